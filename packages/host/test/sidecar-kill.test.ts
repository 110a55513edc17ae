import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, Host } from '../src/contract/index.ts';
import { collect } from './contract/harness.ts';
import { HostChild, retried } from './host-child.ts';
import { type Installation, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const wait = { timeoutMs: patienceMs(30_000), lastLines: 1_000 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;
const DISK = { memory: false };
const port = 7_001;

/** Answers every connection with a word, and keeps a note of what it is. */
const service = `echo served > ~/note; sync ~/note; exec perl -MIO::Socket::INET -e '
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => ${port}, Listen => 9, ReuseAddr => 1) or die;
$| = 1; print "listening\\n"; while (my $c = $s->accept) { print $c "served by $$\\n"; close $c; }'`;

type Victim = 'host' | 'helper' | 'both';

describe.skipIf(typeof programs === 'string')('a box with a sidecar', () => {
  let installation: Installation;
  let child: HostChild;
  let host: Host;

  beforeAll(async () => {
    installation = await makeInstallation();
    child = await HostChild.start(installation);
    host = child.host;
  });
  afterEach(async () => {
    for (const { id, networkOf } of await retried(() => host.list())) {
      if (networkOf === undefined) {
        await retried(() => host.destroy(id));
        await retried(() => host.forget(id));
      }
    }
    expect(await host.list()).toEqual([]);
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: patienceMs(30_000) }).toEqual([]);
    expect(readdirSync(join(installation.configuration.stateDirectory, 'volume/boxes'))).toEqual([]);
  });
  afterAll(async () => {
    await child.close();
    await installation.remove();
  });

  async function strike(victim: Victim): Promise<void> {
    if (victim !== 'host') {
      child.killHelper();
    }
    if (victim !== 'helper') {
      await child.end('SIGKILL');
      child.again();
    }
  }

  /** Does it while somebody dies; as the control plane, the caller asks again. */
  async function during<Result>(victim: Victim, afterMs: number, call: () => Promise<Result>): Promise<Result> {
    const [result] = await Promise.all([retried(call), delay(afterMs).then(() => strike(victim))]);
    return result;
  }

  interface Pair {
    readonly box: BoxSpec;
    readonly sidecar: BoxSpec;
  }

  async function pair(): Promise<Pair> {
    const box = boxSpec();
    await host.create(box);
    const sidecar = boxSpec({ id: `${box.id}-s0`, networkOf: box.id });
    expect(await host.create(sidecar)).toMatchObject({ phase: 'running', networkOf: box.id });
    return { box, sidecar };
  }

  async function serve({ sidecar }: Pair, executionId: string): Promise<void> {
    await retried(() => host.execute(sidecar.id, exec(executionId, service)));
    for await (const _chunk of host.output(sidecar.id, executionId, 'stdout', 0)) {
      break;
    }
  }

  /** What the service says at the port of the box. */
  const ask = async ({ box }: Pair): Promise<string> => {
    const connection = await retried(() => host.connect(box.id, port));
    return collect(connection.readable);
  };

  const phaseOf = async (id: string) => (await retried(() => host.inspect(id)))?.phase;

  it('goes on with it, whoever is killed while both run', { timeout: patienceMs(120_000) }, async () => {
    const both = await pair();
    await serve(both, 'service');
    const before = await ask(both);
    expect(before).toMatch(/^served by \d+\n$/);
    for (const victim of ['host', 'helper', 'both', 'host'] as const) {
      await strike(victim);
      // The very same process.
      expect(await ask(both)).toBe(before);
      expect(await host.inspect(both.sidecar.id)).toMatchObject({ phase: 'running', networkOf: both.box.id });
      expect(await host.execution(both.sidecar.id, 'service', 5)).toMatchObject({ status: 'running' });
    }
    // It is still watched, and still known to be the box's own.
    await host.kill(both.sidecar.id, 'service');
    await host.destroy(both.box.id);
    expect(await phaseOf(both.sidecar.id)).toBe('destroyed');
  });

  it('gets it or not, and can be asked again, when somebody is killed while it starts', {
    timeout: patienceMs(180_000),
  }, async () => {
    for (const [victim, afterMs] of [
      ['host', 5],
      ['host', 60],
      ['helper', 30],
      ['both', 90],
      ['host', 180],
    ] as const) {
      const box = boxSpec();
      await host.create(box);
      const sidecar = boxSpec({ id: `${box.id}-s0`, networkOf: box.id });
      const state = await during(victim, afterMs, () => host.create(sidecar));
      if (state.phase === 'running') {
        await serve({ box, sidecar }, 'service');
        expect(await ask({ box, sidecar })).toMatch(/^served/);
      } else {
        expect(state).toMatchObject({ phase: 'stopped', cause: expect.any(String), detail: expect.any(String) });
      }
      expect(await phaseOf(box.id)).toBe('running');
      await retried(() => host.destroy(box.id));
      expect(await phaseOf(sidecar.id)).toBe('destroyed');
      await host.forget(box.id);
    }
  });

  it('sleeps and wakes with it and its disk, whoever is killed meanwhile', {
    timeout: patienceMs(240_000),
  }, async () => {
    const both = await pair();
    await serve(both, 'service-0');
    const rounds = [
      ['host', 3],
      ['helper', 10],
      ['both', 40],
      ['host', 120],
    ] as const;
    for (const [round, [victim, afterMs]] of rounds.entries()) {
      await during(victim, afterMs, () => host.suspend(both.box.id, DISK));
      expect(await phaseOf(both.box.id)).toBe('suspended');
      expect(await phaseOf(both.sidecar.id)).toBe('suspended');
      expect(await host.execution(both.sidecar.id, `service-${round}`, 5)).toMatchObject({ end: { kind: 'lost' } });
      const wake = async (spec: BoxSpec) => {
        // A start that was cut short leaves it asleep, with the reason.
        for (let attempt = 0; (await phaseOf(spec.id)) !== 'running' && attempt < 5; attempt += 1) {
          await retried(() => host.resume(spec, DISK));
        }
      };
      await during(victim, afterMs, () => wake(both.box));
      await during(victim, afterMs, () => wake(both.sidecar));
      expect(await phaseOf(both.box.id)).toBe('running');
      expect(await phaseOf(both.sidecar.id)).toBe('running');
      const note = await host.executeAndWait(both.sidecar.id, exec(`note-${round}`, 'cat ~/note'), wait);
      expect(note.stdout.text).toBe('served\n');
      await serve(both, `service-${round + 1}`);
      expect(await ask(both)).toMatch(/^served/);
    }
  });

  it('takes it along when it is destroyed, whoever is killed meanwhile', { timeout: patienceMs(120_000) }, async () => {
    for (const [victim, afterMs] of [
      ['host', 2],
      ['helper', 5],
      ['both', 15],
      ['host', 40],
    ] as const) {
      const both = await pair();
      await serve(both, 'service');
      await during(victim, afterMs, () => host.destroy(both.box.id));
      expect(await phaseOf(both.box.id)).toBe('destroyed');
      expect(await phaseOf(both.sidecar.id)).toBe('destroyed');
      await retried(() => host.forget(both.box.id));
      expect(await host.inspect(both.sidecar.id)).toBeUndefined();
    }
  });
});
