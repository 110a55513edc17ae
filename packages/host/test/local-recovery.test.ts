import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalHost } from '../src/local/local-host.ts';
import { collect } from './contract/harness.ts';
import { grades, type Installation, killInit, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const wait = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 10 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

/** Ends the helper; one that is just being started again is left alone. */
function killHelper(host: LocalHost): void {
  if (host.helperPid !== undefined && existsSync(`/proc/${host.helperPid}`)) {
    process.kill(host.helperPid, 'SIGKILL');
  }
}

describe.each(grades)('a host that comes back ($grade)', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterEach(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: patienceMs(10_000) }).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  /** Ends the host's life and begins the next; `away` happens in between. */
  async function restart(away: () => Promise<void> | void = () => undefined): Promise<void> {
    await host.close();
    await away();
    host = await installation.open();
  }

  it('finds its boxes running, and their executions where they are', async () => {
    const spec = boxSpec();
    const before = await host.create(spec);
    await host.execute(spec.id, exec('e', 'echo one; sleep 0.5; echo two; exit 7'));
    const pid = host.initPid(spec.id);
    await restart();
    expect(await host.inspect(spec.id)).toEqual(before);
    expect(host.initPid(spec.id)).toBe(pid);
    expect(await host.waitExecution(spec.id, 'e', wait)).toMatchObject({
      end: { kind: 'exited', code: 7 },
      stdout: { text: 'one\ntwo\n' },
    });
    expect(await host.executeAndWait(spec.id, exec('f', 'echo again'), wait)).toMatchObject({
      stdout: { text: 'again\n' },
    });
  });

  it('stops boxes that died meanwhile, and invents no exit code', async () => {
    const spec = boxSpec();
    await host.create(spec);
    await host.execute(spec.id, exec('e', 'echo begun; sleep 60'));
    // From then on the output outlives host and box together.
    const spool = join(installation.configuration.stateDirectory, 'host/spool', spec.id);
    await expect
      .poll(() => existsSync(spool) && readdirSync(spool).length, { timeout: patienceMs(5_000) })
      .toBeGreaterThan(0);
    const dying = host;
    await restart(() => killInit(dying, spec.id));
    await expect
      .poll(() => host.inspect(spec.id), { timeout: patienceMs(5_000) })
      .toMatchObject({ phase: 'stopped', cause: 'guest_exited' });
    expect(await host.execution(spec.id, 'e', 5)).toMatchObject({ end: { kind: 'lost' }, stdout: { text: 'begun\n' } });
  });

  it('still watches boxes of an earlier life', async () => {
    const spec = boxSpec();
    await host.create(spec);
    await restart();
    killInit(host, spec.id);
    await expect.poll(() => host.inspect(spec.id), { timeout: patienceMs(5_000) }).toMatchObject({ phase: 'stopped' });
  });

  it('keeps records of destroyed boxes', async () => {
    const spec = boxSpec();
    await host.create(spec);
    await host.executeAndWait(spec.id, exec('e', 'echo kept'), wait);
    await host.destroy(spec.id);
    await restart();
    expect(await host.create(spec)).toMatchObject({ phase: 'destroyed' });
    expect(await collect(host.output(spec.id, 'e', 'stdout', 0))).toBe('kept\n');
  });

  it('removes what belongs to no box', async () => {
    const { stateDirectory } = installation.configuration;
    await restart(async () => {
      await mkdir(join(stateDirectory, 'run/bundles/dbx-orphan/rootfs'), { recursive: true });
      await mkdir(join(stateDirectory, 'run/boxes/dbx-orphan'), { recursive: true });
      await mkdir(join(stateDirectory, 'run/runc/dbx-orphan'), { recursive: true });
      await mkdir(join(stateDirectory, 'host/spool/dbx-orphan'), { recursive: true });
      await writeFile(join(stateDirectory, 'run/boxes/dbx-orphan/meminfo'), '');
    });
    expect((await host.describe()).leaks).toMatchObject({ bundles: 0, links: 0, runtimeStates: 0 });
  });

  it('loses no box when its helper dies, and goes on making and ending them', async () => {
    const first = boxSpec();
    await host.create(first);
    killHelper(host);
    expect(await host.executeAndWait(first.id, exec('e', 'echo alive'), wait)).toMatchObject({
      stdout: { text: 'alive\n' },
    });
    const second = boxSpec();
    expect(await host.create(second)).toMatchObject({ phase: 'running' });
    killInit(host, first.id);
    await expect.poll(() => host.inspect(first.id), { timeout: patienceMs(5_000) }).toMatchObject({ phase: 'stopped' });
    await host.destroy(second.id);
  });

  it('makes every box when its helper dies while they start', async () => {
    const specs = Array.from({ length: 6 }, () => boxSpec());
    const creates = specs.map((spec) => host.create(spec));
    for (let round = 0; round < 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      killHelper(host);
    }
    const states = await Promise.all(creates);
    expect(states.map(({ phase, detail }) => detail ?? phase)).toEqual(specs.map(() => 'running'));
    for (const { id } of specs) {
      expect(await host.executeAndWait(id, exec('e', 'echo up'), wait)).toMatchObject({ stdout: { text: 'up\n' } });
    }
  });
});
