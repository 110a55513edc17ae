import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BoxSpec, BoxState } from '../src/contract/index.ts';
import type { HostConfiguration } from '../src/local/configuration.ts';
import { cgroupsPathOf } from '../src/local/host-parts.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { machineIdOf } from '../src/local/machine-id.ts';
import { removeInstallation } from '../src/local/removal.ts';
import { controllerDirectory, detectCgroups } from '../src/runtimes/oci/cgroup-layout.ts';
import { HostChild, retried } from './host-child.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const WAIT = { timeoutMs: 60_000, lastLines: 100 };
const POOLED = { pool: 'auto' } as const;

describe.each(grades)('the pool ($grade)', ({ change: settings }) => {
  let installation: Installation;
  let host: LocalHost;
  let count = 0;

  async function begin(change: Partial<HostConfiguration> = POOLED): Promise<void> {
    installation = await makeInstallation({ ...settings, ...change });
    host = await installation.open();
  }
  afterEach(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    await expect.poll(leaks, { timeout: 10_000 }).toEqual([]);
    await host.close();
    expect(readdirSync(run('bundles'))).toEqual([]);
    await installation.remove();
  }, 60_000);

  const run = (name: string) => join(installation.configuration.stateDirectory, 'run', name);
  const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, number]) => number !== 0);
  const figures = async () => (await host.describe()).pool;
  const ready = async () => (await figures())?.ready ?? 0;
  const pooledPlaces = () => readdirSync(run('bundles')).filter((name) => name.startsWith('p.'));

  async function output(boxId: string, command: string): Promise<string> {
    const executionId = `e${++count}`;
    return (await host.executeAndWait(boxId, { executionId, origin: 'exec', command }, WAIT)).stdout.text;
  }

  /** Boxes of this kind, until as many wait. */
  async function warm(change: Partial<BoxSpec> = {}, boxes = 2): Promise<BoxState[]> {
    const states = await Promise.all(Array.from({ length: boxes }, () => host.create(boxSpec(change))));
    await expect.poll(ready, { timeout: 60_000 }).toBeGreaterThanOrEqual(boxes);
    return states;
  }

  it('gives a box all that makes it somebody’s, and nothing of before', async () => {
    await begin();
    await warm({ environment: { SECRET: 'of the first' }, hostname: 'first' });
    const spec = boxSpec({ environment: { TOKEN: 'mine' }, hostname: 'second-box' });
    expect(await host.create(spec)).toMatchObject({ id: spec.id, phase: 'running', ipv4: expect.any(String) });
    expect(await figures()).toMatchObject({ hits: 1, misses: 2 });
    expect(
      await output(
        spec.id,
        'hostname; cat /etc/hostname; echo $TOKEN-$SECRET; whoami; grep -c second-box /etc/hosts; cat /etc/machine-id',
      ),
    ).toBe(`second-box\nsecond-box\nmine-\nuser\n1\n${machineIdOf(spec.id)}\n`);
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    expect((await host.list()).map(({ id }) => id)).toContain(spec.id);
    expect((await host.list()).filter(({ id }) => id.startsWith('p.'))).toEqual([]);
    expect((await host.logs(spec.id, {})).filter(({ executionId }) => executionId !== `e${count}`)).toEqual([]);
    expect(await host.metrics(spec.id)).toMatchObject({ processes: expect.any(Number) });
  });

  it('keeps what waits behind all others, and gives what is taken its share of the processors', async () => {
    await begin();
    await warm();
    const layout = await detectCgroups();
    const cpu = async (place: string) => {
      const path = cgroupsPathOf(installation.configuration, place);
      const directory = controllerDirectory(layout, 'cpu', path) ?? '';
      const names = layout.version === 'v2' ? ['cpu.weight', 'cpu.max'] : ['cpu.shares', 'cpu.cfs_quota_us'];
      return Promise.all(names.map(async (name) => (await readFile(join(directory, name), 'utf8')).trim()));
    };
    const [least, share, quota] = layout.version === 'v2' ? ['3', '39', '100000 100000'] : ['64', '1024', '100000'];
    const waiting = pooledPlaces();
    expect(await Promise.all(waiting.slice(0, 1).map(cpu))).toEqual([[least, quota]]);
    const spec = boxSpec();
    await host.create(spec);
    expect((await figures())?.hits).toBe(1);
    const shares = await Promise.all(waiting.map(async (place) => (await cpu(place))[0]));
    expect(shares.filter((each) => each === share)).toHaveLength(1);
    const [cold] = (await host.list()).filter(({ id }) => id !== spec.id);
    expect(await cpu(cold?.id ?? '')).toEqual([share, quota]);
  });

  it('is followed by the events of the public box alone', async () => {
    await begin();
    await warm();
    const abort = new AbortController();
    const seen: string[] = [];
    const subscriber = (async () => {
      for await (const event of host.events(abort.signal)) {
        seen.push(
          event.type === 'execution' ? `${event.boxId} ${event.executionId}` : `${event.state.id} ${event.state.phase}`,
        );
      }
    })();
    const spec = boxSpec();
    await host.create(spec);
    await output(spec.id, 'true');
    await expect.poll(() => seen).toContain(`${spec.id} e${count}`);
    await host.destroy(spec.id);
    await expect.poll(() => seen.at(-1)).toBe(`${spec.id} destroyed`);
    abort.abort();
    await subscriber;
    expect(seen.filter((line) => !line.startsWith(spec.id))).toEqual([]);
    expect(seen.filter((line) => line.startsWith(`${spec.id} `)).slice(0, 2)).toEqual([
      `${spec.id} starting`,
      `${spec.id} running`,
    ]);
  });

  it('gives each box once, however many ask at once', async () => {
    await begin();
    await warm({}, 3);
    const specs = Array.from({ length: 8 }, () => boxSpec());
    const states = await Promise.all(specs.map((spec) => host.create(spec)));
    expect(states.map(({ phase, detail }) => detail ?? phase)).toEqual(specs.map(() => 'running'));
    expect(new Set(states.map(({ ipv4 }) => ipv4)).size).toBe(8);
    await Promise.all(specs.map(({ id }) => output(id, `echo ${id} > ~/mine`)));
    const files = await Promise.all(specs.map(({ id }) => output(id, 'cat ~/mine')));
    expect(files).toEqual(specs.map(({ id }) => `${id}\n`));
    expect((await figures())?.hits).toBeGreaterThanOrEqual(3);
  });

  it('suspends, resumes and restarts with boxes that came from it', async () => {
    await begin();
    await warm();
    const spec = boxSpec({ hostname: 'mine' });
    await host.create(spec);
    expect((await figures())?.hits).toBe(1);
    await output(spec.id, 'echo kept > ~/file');
    await host.suspend(spec.id, { memory: false });
    await host.resume(spec, { memory: false });
    expect(await output(spec.id, 'cat ~/file; hostname')).toBe('kept\nmine\n');
    const state = await host.snapshot(spec.id, 'snp-1', { memory: false });
    await host.close();
    host = await installation.open();
    expect(await output(spec.id, 'cat ~/file')).toBe('kept\n');
    for (const child of [1, 2].map(() => boxSpec({ image: { snapshotId: state.id, memory: false } }))) {
      await host.create(child);
      expect(await output(child.id, 'cat ~/file')).toBe('kept\n');
      await host.destroy(child.id);
    }
    await expect.poll(ready, { timeout: 60_000 }).toBeGreaterThan(0);
    // A waiting box is no reason to keep a snapshot.
    await host.deleteSnapshot(state.id);
    expect(readdirSync(join(installation.configuration.stateDirectory, 'volume/snapshots'))).toEqual([]);
  });

  it('goes on without a box that has died', async () => {
    await begin();
    await warm();
    const places = pooledPlaces();
    for (const place of places) {
      process.kill(host.pidAt(place) ?? Number.NaN, 'SIGKILL');
    }
    const spec = boxSpec();
    expect(await host.create(spec)).toMatchObject({ id: spec.id, phase: 'running' });
    expect(await output(spec.id, 'echo up')).toBe('up\n');
    await expect.poll(() => pooledPlaces().filter((place) => places.includes(place)), { timeout: 10_000 }).toEqual([]);
  });

  it('goes on without a box that does not answer', { timeout: 60_000 }, async () => {
    await begin();
    await warm();
    const places = pooledPlaces();
    for (const place of places) {
      process.kill(host.pidAt(place) ?? Number.NaN, 'SIGSTOP');
    }
    const spec = boxSpec({ environment: { TOKEN: 'mine' } });
    const state = await host.create(spec);
    expect(state).toMatchObject({ id: spec.id, phase: 'running' });
    expect(await output(spec.id, 'echo $TOKEN')).toBe('mine\n');
    const left = () => pooledPlaces().filter((place) => places.includes(place)).length;
    await expect.poll(left, { timeout: 20_000 }).toBeLessThan(places.length);
  });

  it('lets a box be destroyed while it is being given away', async () => {
    await begin();
    await warm();
    const spec = boxSpec();
    const created = host.create(spec);
    await host.destroy(spec.id);
    await created;
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
    await host.forget(spec.id);
    expect(await host.inspect(spec.id)).toBeUndefined();
  });

  it('keeps nothing where it is switched off, or has no budget', async () => {
    await begin({ pool: 'off' });
    await host.create(boxSpec());
    expect((await host.describe()).pool).toBeUndefined();
    await host.close();
    host = await installation.open({ pool: 'auto', poolMemoryBytes: 1 });
    await Promise.all([host.create(boxSpec()), host.create(boxSpec())]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await figures()).toEqual({ ready: 0, hits: 0, misses: 2, oldestMs: 0, memoryBytes: 0 });
  });

  it('keeps what is asked for now', async () => {
    await begin();
    await warm();
    const other = { ...boxSpec().size, memoryBytes: 192 * 2 ** 20 };
    await host.create(boxSpec({ size: other }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await ready()).toBe(2);
    await host.create(boxSpec({ size: other }));
    await expect.poll(ready, { timeout: 60_000 }).toBeGreaterThan(2);
    await host.create(boxSpec({ size: other }));
    expect((await figures())?.hits).toBe(1);
  });
});

describe.each(grades)('the pool of a host that is killed ($grade)', ({ change: settings }) => {
  let installation: Installation;
  let child: HostChild;

  beforeEach(async () => {
    installation = await makeInstallation({ ...settings, ...POOLED });
    child = await HostChild.start(installation);
    await child.host.create(boxSpec({ id: 'dbx-gone' }));
    await child.host.destroy('dbx-gone');
    await child.host.create(boxSpec({ id: 'dbx-first' }));
    await expect.poll(async () => (await child.host.describe()).pool?.ready, { timeout: 60_000 }).toBeGreaterThan(0);
  });
  afterEach(async () => {
    await child.close();
    await installation.remove();
  }, 60_000);

  const bundles = () => readdirSync(join(installation.configuration.stateDirectory, 'run/bundles'));
  const pooledPlace = () => bundles().find((name) => name.startsWith('p.')) ?? '';

  it('gives away nothing again that was given, or half given', async () => {
    const place = pooledPlace();
    await child.end('SIGKILL');
    // Its row was written, and nothing else done.
    installation.rewriteRow(place, { id: 'dbx-half', phase: 'starting' });
    child.again();
    expect(await retried(() => child.host.inspect('dbx-half'))).toBeUndefined();
    expect(bundles()).toEqual(['dbx-first']);
    expect(await child.host.create(boxSpec({ id: 'dbx-half' }))).toMatchObject({ phase: 'running' });
    const given = (await child.host.list()).flatMap(({ id, phase }) => (phase === 'running' ? [id] : []));
    expect(given.toSorted()).toEqual(['dbx-first', 'dbx-half']);
  });

  it('keeps boxes that were given, and nothing that was not', async () => {
    const spec = boxSpec({ hostname: 'mine' });
    const state = await child.host.create(spec);
    expect((await child.host.describe()).pool).toMatchObject({ hits: 1 });
    await child.end('SIGKILL');
    child.again();
    expect(await retried(() => child.host.inspect(spec.id))).toEqual(state);
    const run = { executionId: 'e', origin: 'exec', command: 'hostname' } as const;
    expect((await child.host.executeAndWait(spec.id, run, WAIT)).stdout.text).toBe('mine\n');
    expect(bundles()).toHaveLength(2);
    await child.host.destroy(spec.id);
    await child.host.destroy('dbx-first');
    await expect
      .poll(async () => Object.values((await child.host.describe()).leaks).filter((leak) => leak > 0))
      .toEqual([]);
  });

  it('does not keep the installation from being ended', async () => {
    await child.host.destroy('dbx-first');
    await child.end('SIGKILL');
    expect(pooledPlace()).not.toBe('');
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    expect(await removeInstallation(installation.configuration, { first: 'nothing', log })).toBe(0);
    expect(bundles()).toEqual([]);
    child.again();
    await retried(() => child.host.list());
  });

  it('ends with a host that ends well', async () => {
    await child.end('SIGTERM');
    expect(bundles()).toEqual(['dbx-first']);
    child.again();
    expect(await retried(() => child.host.inspect('dbx-first'))).toMatchObject({ phase: 'running' });
  });
});
