import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../src/contract/index.ts';
import { HostChild, hostMain, retried } from './host-child.ts';
import { type Installation, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const wait = { until: ['completed'], timeoutMs: 20_000, lastLines: 10 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

describe.skipIf(typeof programs === 'string').each(['off', 'auto'] as const)('the host process (pool %s)', (pool) => {
  let installation: Installation;
  let host: Host;
  let child: HostChild;

  beforeAll(async () => {
    installation = await makeInstallation({ pool });
    child = await HostChild.start(installation);
    host = child.host;
  });
  afterEach(async () => {
    for (const { id } of await retried(() => host.list())) {
      await retried(() => host.destroy(id));
    }
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: 10_000 }).toEqual([]);
  });
  afterAll(async () => {
    await child.close();
    await installation.remove();
  });

  it('killed at any moment of many creates, leaves boxes that run or nothing, and can be asked again', async () => {
    for (const afterMs of [30, 90, 150, 250]) {
      const specs = Array.from({ length: 4 }, () => boxSpec());
      const creates = specs.map((spec) => retried(() => host.create(spec)));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await child.end('SIGKILL');
      child.again();
      const states = await Promise.all(creates);
      expect(states.map(({ phase, detail }) => detail ?? phase)).toEqual(specs.map(() => 'running'));
      for (const { id } of specs) {
        const view = await retried(() => host.executeAndWait(id, exec('e', 'echo up'), wait));
        expect(view).toMatchObject({ end: { kind: 'exited', code: 0 }, stdout: { text: 'up\n' } });
        await retried(() => host.destroy(id));
      }
    }
  });

  it('killed while commands run, loses none of their output', async () => {
    const spec = boxSpec();
    await host.create(spec);
    await host.execute(
      spec.id,
      exec('e', 'for i in $(seq 1 2000); do echo line $i; [ $((i % 500)) = 0 ] && sleep 0.3; done; exit 9'),
    );
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await child.end('SIGKILL');
      child.again();
      await retried(() => host.list());
    }
    const view = await retried(() => host.waitExecution(spec.id, 'e', { ...wait, lastLines: 3000 }));
    expect(view.end).toEqual({ kind: 'exited', code: 9 });
    expect(view.stdout.text).toBe(Array.from({ length: 2000 }, (_, index) => `line ${index + 1}\n`).join(''));
  });

  it('killed while boxes are destroyed, destroys them', async () => {
    const specs = Array.from({ length: 4 }, () => boxSpec());
    await Promise.all(specs.map((spec) => host.create(spec)));
    const destroys = specs.map(({ id }) => retried(() => host.destroy(id)));
    await new Promise((resolve) => setTimeout(resolve, 10));
    await child.end('SIGKILL');
    child.again();
    await Promise.all(destroys);
    for (const { id } of specs) {
      expect(await host.inspect(id)).toMatchObject({ phase: 'destroyed' });
    }
  });

  it('killed at any moment of suspends, resumes and snapshots, keeps every disk and leaves nothing half-made', async () => {
    const specs = Array.from({ length: 3 }, () => boxSpec());
    await Promise.all(specs.map((spec) => host.create(spec)));
    await Promise.all(
      specs.map(({ id }) => host.executeAndWait(id, exec('write', `echo ${id} > ~/mine; sync ~/mine`), wait)),
    );
    const memory = { memory: false };
    const during = async (afterMs: number, calls: ReadonlyArray<() => Promise<unknown>>) => {
      const all = calls.map((call) => retried(call));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await child.end('SIGKILL');
      child.again();
      const answers = await Promise.all(all);
      // Those that were answered before the kill have met no new life: who asks next must not meet the old connection.
      await retried(() => host.list());
      return answers;
    };
    for (const afterMs of [2, 10, 30, 80]) {
      const ids = specs.map(({ id }) => `snp-${afterMs}-${id}`);
      await during(
        afterMs,
        specs.map(
          ({ id }, index) =>
            () =>
              host.snapshot(id, ids[index] ?? '', memory),
        ),
      );
      expect((await host.snapshots()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      await during(
        afterMs,
        specs.map(
          ({ id }) =>
            () =>
              host.suspend(id, memory),
        ),
      );
      for (const { id } of specs) {
        expect(await host.inspect(id)).toMatchObject({ phase: 'suspended' });
      }
      await during(
        afterMs,
        specs.map((spec) => () => host.resume(spec, memory)),
      );
      for (const [index, { id }] of specs.entries()) {
        const view = await host.executeAndWait(id, exec(`read-${afterMs}`, 'cat ~/mine'), wait);
        expect(view.stdout.text).toBe(`${id}\n`);
        const copy = boxSpec({ image: { snapshotId: ids[index] ?? '', memory: false } });
        await host.create(copy);
        expect((await host.executeAndWait(copy.id, exec('read', 'cat ~/mine'), wait)).stdout.text).toBe(`${id}\n`);
        await host.destroy(copy.id);
      }
      await during(
        afterMs,
        ids.map((id) => () => host.deleteSnapshot(id)),
      );
      expect(await host.snapshots()).toEqual([]);
    }
  }, 120_000);

  it('ends at SIGTERM with 0; boxes go on', async () => {
    const spec = boxSpec();
    await host.create(spec);
    expect(await child.end('SIGTERM')).toEqual([0, null]);
    child.again();
    expect(await retried(() => host.inspect(spec.id))).toMatchObject({ phase: 'running' });
  });

  it('refuses to run twice, and says so', async () => {
    const second = spawn(process.execPath, [hostMain], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: installation.environment,
    });
    let message = '';
    second.stderr.on('data', (bytes: Buffer) => {
      message += bytes.toString();
    });
    const [code] = await once(second, 'exit');
    expect(code).toBe(1);
    expect(message).toMatch(/another host is running/);
    expect(await host.list()).toEqual(expect.any(Array));
  });
});
