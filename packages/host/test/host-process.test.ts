import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../src/contract/index.ts';
import { connectHost } from '../src/rpc/client.ts';
import { type Installation, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const main = join(import.meta.dirname, '../src/main.ts');
const wait = { until: ['completed'], timeoutMs: 20_000, lastLines: 10 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

describe.skipIf(typeof programs === 'string')('the host process', () => {
  let installation: Installation;
  let host: Host;
  let child: ChildProcess;

  function start(): ChildProcess {
    return spawn(process.execPath, [main], { stdio: ['ignore', 'ignore', 'pipe'], env: installation.environment });
  }

  async function end(signal: NodeJS.Signals): Promise<[number | null, string | null]> {
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code, by] = await ended;
    return [code, by];
  }

  /** Repeats a call until the host answers, as the control plane does. */
  async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (attempt > 20 || !(error instanceof Error && 'retryable' in error && error.retryable === true)) {
          throw error;
        }
      }
    }
  }

  beforeAll(async () => {
    installation = await makeInstallation();
    child = start();
    host = connectHost(join(installation.configuration.stateDirectory, 'run/host.sock'));
    await retried(() => host.list());
  });
  afterEach(async () => {
    for (const { id } of await retried(() => host.list())) {
      await retried(() => host.destroy(id));
    }
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: 10_000 }).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await end('SIGTERM');
    await installation.remove();
  });

  it('killed at any moment of many creates, leaves boxes that run or nothing, and can be asked again', async () => {
    for (const afterMs of [30, 90, 150, 250]) {
      const specs = Array.from({ length: 4 }, () => boxSpec());
      const creates = specs.map((spec) => retried(() => host.create(spec)));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await end('SIGKILL');
      child = start();
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
      await end('SIGKILL');
      child = start();
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
    await end('SIGKILL');
    child = start();
    await Promise.all(destroys);
    for (const { id } of specs) {
      expect(await host.inspect(id)).toMatchObject({ phase: 'destroyed' });
    }
  });

  it('ends at SIGTERM with 0; boxes go on', async () => {
    const spec = boxSpec();
    await host.create(spec);
    expect(await end('SIGTERM')).toEqual([0, null]);
    child = start();
    expect(await retried(() => host.inspect(spec.id))).toMatchObject({ phase: 'running' });
  });

  it('refuses to run twice, and says so', async () => {
    const second = start();
    let message = '';
    second.stderr?.on('data', (bytes: Buffer) => {
      message += bytes.toString();
    });
    const [code] = await once(second, 'exit');
    expect(code).toBe(1);
    expect(message).toMatch(/another host is running/);
    expect(await host.list()).toEqual(expect.any(Array));
  });
});
