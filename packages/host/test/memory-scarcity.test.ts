import { existsSync } from 'node:fs';
import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { removeInstallation } from '../src/local/removal.ts';
import { cgroupDirectories, detectCgroups } from '../src/runtimes/oci/cgroup-layout.ts';
import { endEverything } from './end-everything.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MEMORY = { memory: true };
const DISK = { memory: false };
const WAIT = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 10 } as const;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A machine that lacks what a sleeping box needs: each time a stated failure, the disk kept, and all well once it is there. */
describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('memory and scarcity ($grade)', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;
  let count = 0;
  const fillers: string[] = [];

  beforeAll(async () => {
    installation = await makeInstallation({ ...change, volumeBytes: 600 * 2 ** 20 });
    host = await installation.open();
  });
  afterEach(async () => {
    await Promise.all(fillers.splice(0).map((path) => rm(path, { force: true })));
    await endEverything(host);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  const volume = (...path: string[]) => join(installation.configuration.stateDirectory, 'volume', ...path);

  async function run({ id }: BoxSpec, command: string): Promise<string> {
    const view = await host.executeAndWait(id, { executionId: `e${++count}`, origin: 'exec', command }, WAIT);
    expect(view, view.stderr.text).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  /** A box with a file, and with a command that waits for its stdin. */
  async function boxThatWaits(): Promise<BoxSpec> {
    const spec = boxSpec();
    const state = await host.create(spec);
    expect(state, state.detail).toMatchObject({ phase: 'running' });
    await run(spec, 'echo kept > notes');
    const command = 'echo up; read x; echo "$x"';
    await host.execute(spec.id, { executionId: 'held', origin: 'exec', command, attachStdin: true });
    const stdout = async () => (await host.execution(spec.id, 'held', 1)).stdout.text;
    await expect.poll(stdout, { timeout: patienceMs(10_000) }).toBe('up\n');
    return spec;
  }

  async function goesOn(spec: BoxSpec): Promise<void> {
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat notes')).toBe('kept\n');
    await host.stdin(spec.id, 'held', Buffer.from('whole\n'), true);
    expect(await host.waitExecution(spec.id, 'held', WAIT)).toMatchObject({ stdout: { text: 'up\nwhole\n' } });
  }

  /** Takes all that the volume has left for data. */
  async function fill(): Promise<() => Promise<void>> {
    const path = volume('filler');
    fillers.push(path);
    for (let at = 0, piece = 32 * 2 ** 20; piece >= 2 ** 20; ) {
      try {
        await writeFile(path, Buffer.alloc(piece, at % 251), { flag: 'a' });
        at += 1;
      } catch {
        piece /= 2;
      }
    }
    return () => rm(path);
  }

  it('a full volume: a box that sleeps goes on, or says why it cannot and goes on later; it can be destroyed', async () => {
    const [one, other] = [await boxThatWaits(), await boxThatWaits()];
    await host.suspend(one.id, MEMORY);
    await host.suspend(other.id, MEMORY);
    const release = await fill();
    const state = await host.resume(one, MEMORY).catch((error: unknown) => error);
    if (!(state instanceof Error) && (await host.inspect(one.id))?.phase !== 'running') {
      expect(state).toMatchObject({ phase: 'suspended', hasMemory: true, cause: 'out_of_disk' });
    }
    await host.destroy(other.id);
    await release();
    expect(await host.inspect(other.id)).toMatchObject({ phase: 'destroyed' });
    await goesOn(one);
  });

  it('a full volume: a snapshot or fork is refused or fails by name, and its source runs on', async () => {
    const spec = await boxThatWaits();
    await host.snapshot(spec.id, 'snp-before', MEMORY);
    const release = await fill();
    await expect(host.snapshot(spec.id, 'snp-full', MEMORY)).rejects.toMatchObject({ code: 'noSpace' });
    const fork = boxSpec({ image: { snapshotId: 'snp-before', memory: true } });
    const state = await host.create(fork);
    if (state.phase !== 'running') {
      expect(state).toMatchObject({ phase: 'stopped', cause: 'out_of_disk', detail: expect.any(String) });
    }
    await host.destroy(fork.id);
    await release();
    expect((await host.snapshots()).map(({ id }) => id)).toEqual(['snp-before']);
    await host.stdin(spec.id, 'held', Buffer.from('whole\n'), true);
    expect(await host.waitExecution(spec.id, 'held', WAIT)).toMatchObject({ stdout: { text: 'up\nwhole\n' } });
  });

  it('a full memory: a box that cannot wake in it sleeps on, says so, and goes on later', async () => {
    const spec = await boxThatWaits();
    await host.suspend(spec.id, MEMORY);
    await expect.poll(async () => (await host.describe()).leaks['processes'], { timeout: patienceMs(10_000) }).toBe(0);
    const limit = await limitOfAll(installation);
    await limit.set(12 * 2 ** 20);
    try {
      const outcome = await host.resume(spec, MEMORY).catch((error: unknown) => error);
      expect(String(outcome instanceof Error ? outcome : JSON.stringify(outcome))).not.toBe('');
      expect(await host.inspect(spec.id)).toMatchObject({
        phase: 'suspended',
        hasMemory: true,
        cause: expect.stringMatching(/out_of_memory|runtime_failed/),
        detail: expect.any(String),
      });
    } finally {
      await limit.lift();
    }
    await goesOn(spec);
  });

  it('a new start of the machine: what slept goes on', { timeout: patienceMs(60_000) }, async () => {
    const spec = await boxThatWaits();
    await host.suspend(spec.id, MEMORY);
    await host.close();
    // Mounts, network and cgroups are gone, and what lies in memory: all that a reboot takes.
    expect(await removeInstallation(installation.configuration, { first: 'nothing', log: silent })).toBe(0);
    await rm(join(installation.configuration.stateDirectory, 'run'), { recursive: true });
    host = await installation.open();
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended', hasMemory: true });
    await goesOn(spec);
  });

  it('a power loss that takes the last words of a waking box: it goes on with the disk of its sleep', async () => {
    const spec = await boxThatWaits();
    await host.suspend(spec.id, MEMORY);
    await host.close();
    // As if it had begun to wake, written to its disk, and only that had reached it.
    host = await installation.open();
    const sleeping = volume('memory', `disk-${spec.id}`);
    await hostHelper(host).call('subvolumeSnapshot', { path: volume('boxes', spec.id), snapshot: sleeping });
    await rm(volume('boxes', spec.id, 'upper/home/user/notes'));
    await host.close();
    host = await installation.open();
    expect(existsSync(sleeping)).toBe(false);
    await goesOn(spec);
  });

  it.each([
    ['upper', (id: string) => rename(volume('boxes', id, 'upper'), volume('boxes', id, 'gone')), 'imageUnavailable'],
    ['pages', (id: string) => truncate(volume('memory', `box-${id}`, 'pages.img'), 0), 'checkpointUnusable'],
  ] as const)('a lost %s: refused by name, and the box can be destroyed', async (_what, lose, code) => {
    const spec = await boxThatWaits();
    await host.suspend(spec.id, MEMORY);
    await lose(spec.id);
    await expect(host.resume(spec, MEMORY)).rejects.toMatchObject({ code });
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended' });
    if (code === 'checkpointUnusable') {
      expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
      expect(await run(spec, 'cat notes')).toBe('kept\n');
    }
    await host.destroy(spec.id);
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
  });
});

/** The memory that all boxes of an installation may have together, for a test that takes it away. */
async function limitOfAll({ configuration }: Installation) {
  const parents = cgroupDirectories(await detectCgroups(), `/berth-${configuration.interfacePrefix}`);
  const files = parents.flatMap((parent) => ['memory.limit_in_bytes', 'memory.max'].map((name) => join(parent, name)));
  const file = files.find((path) => existsSync(path)) ?? '';
  return {
    set: (bytes: number) => writeFile(file, String(bytes)),
    lift: () => writeFile(file, file.endsWith('max') ? 'max' : '-1'),
  };
}

/** The host's own way to the helper, for what a test has to bring about behind its back. */
function hostHelper(host: LocalHost) {
  return (host as unknown as { parts: { helper: import('../src/helper/helper-client.ts').HelperClient } }).parts.helper;
}
