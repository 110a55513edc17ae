import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, Host } from '../src/contract/index.ts';
import { HostChild, retried } from './host-child.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';
import { treeScript } from './tree-script.ts';

const WAIT = { timeoutMs: patienceMs(60_000), lastLines: 9_999 };
const seed = Number(process.env['BERTH_TEST_SEED'] ?? 1);
/** BERTH_TEST_GENERATIONS makes the row of snapshots longer, and has as many layers in a stack as an overlay takes. */
const asked = process.env['BERTH_TEST_GENERATIONS'];
const maxLayers = asked === undefined ? 4 : 128;

describe.each(grades)('stacks that have grown too high ($grade)', ({ grade, change: settings }) => {
  let installation: Installation;
  let child: HostChild;
  let host: Host;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation({ ...settings, maxLayers });
    child = await HostChild.start(installation);
    host = child.host;
  });
  afterEach(async () => {
    for (const { id } of await retried(() => host.list())) {
      await retried(() => host.destroy(id));
    }
    for (const { id } of await host.snapshots()) {
      await host.deleteSnapshot(id);
    }
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, number]) => number !== 0);
    await expect.poll(leaks, { timeout: patienceMs(30_000) }).toEqual([]);
    expect(readdirSync(join(installation.configuration.stateDirectory, 'volume/snapshots'))).toEqual([]);
  });
  afterAll(async () => {
    await child.close();
    await installation.remove();
  });

  async function box(change: Partial<BoxSpec> = {}): Promise<BoxSpec> {
    const spec = boxSpec(change);
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    return spec;
  }

  async function run({ id }: BoxSpec, command: string): Promise<string> {
    const executionId = `e${++count}`;
    const view = await host.executeAndWait(id, { executionId, origin: 'exec', command, user: 'root' }, WAIT);
    expect(view, `${command}: ${view.stderr.text}`).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  const sharing = grade === 'container' ? 'sharing' : '';
  const alter = (spec: BoxSpec, number: number) => run(spec, `python3 ~/tree.py change ${number} ${sharing}`);
  const listing = (spec: BoxSpec) => run(spec, `python3 ~/tree.py list ${sharing}`);
  const place = async (spec: BoxSpec) => run(spec, `cat > ~/tree.py <<'END'\n${treeScript}\nEND`);

  /** A box over a snapshot of this one; both are there then. */
  async function next(spec: BoxSpec): Promise<BoxSpec> {
    const snapshotId = `snp-${++count}`;
    await retried(() => host.snapshot(spec.id, snapshotId, { memory: false }));
    const above = await box({ image: { snapshotId, memory: false } });
    await host.deleteSnapshot(snapshotId);
    return above;
  }

  const generations = Number(asked ?? 9);
  it(`are merged, and show the same after ${generations} snapshots in a row (BERTH_TEST_SEED=${seed})`, {
    timeout: patienceMs(60_000 + generations * 10_000),
  }, async () => {
    let spec = await box();
    await place(spec);
    let early: { readonly spec: BoxSpec; readonly before: string } | undefined;
    for (let generation = 1; generation <= generations; generation++) {
      await alter(spec, seed * 10_000 + generation);
      const before = await listing(spec);
      const above = await next(spec);
      expect(await listing(above)).toBe(before);
      // What stands on old layers is not disturbed by their being merged into others.
      if (generation === 3) {
        early = { spec, before };
      } else {
        await host.destroy(spec.id);
      }
      spec = above;
    }
    expect(early && (await listing(early.spec))).toBe(early?.before);
    await child.end('SIGTERM');
    const stack = installation.layersOf(spec.id);
    child.again();
    expect(stack.length).toBeLessThanOrEqual(maxLayers);
    await retried(() => host.list());
  });

  it('are merged wholly or not at all when the host is killed meanwhile', {
    timeout: patienceMs(180_000),
  }, async () => {
    let spec = await box();
    await place(spec);
    const made = [spec];
    for (let layer = 1; layer < maxLayers && layer < 6; layer++) {
      await alter(spec, seed * 10_000 + 5_000 + layer);
      await run(spec, `mkdir /srv/many-${layer}; cd /srv/many-${layer}; for n in $(seq 1500); do echo $n > $n; done`);
      spec = await next(spec);
      made.push(spec);
    }
    await alter(spec, seed * 10_000 + 5_100);
    const before = await listing(spec);
    const { stateDirectory } = installation.configuration;
    for (const afterMs of grade === 'container' ? [0, 15, 60, 150] : [10, 80]) {
      const snapshotId = `snp-kill-${afterMs}`;
      const taking = retried(() => host.snapshot(spec.id, snapshotId, { memory: false }));
      const successor = join(stateDirectory, 'volume/snapshots', `${snapshotId}.new`);
      for (let looks = 0; asked === undefined && !existsSync(successor) && looks < 5_000; looks++) {
        await delay(1);
      }
      await delay(afterMs);
      await child.end('SIGKILL');
      child.again();
      await taking;
      expect(readdirSync(join(stateDirectory, 'volume/snapshots'))).not.toContain(`${snapshotId}.new`);
      const above = await box({ image: { snapshotId, memory: false } });
      expect(await listing(above)).toBe(before);
      await host.destroy(above.id);
      await host.deleteSnapshot(snapshotId);
    }
    expect(await listing(spec)).toBe(before);
  });

  const itWithMemory = grade === 'gvisor' ? it : () => undefined;
  itWithMemory('are merged below processes that go on in a fork', { timeout: patienceMs(120_000) }, async () => {
    let spec = await box();
    await place(spec);
    for (let layer = 1; layer < 5; layer++) {
      await alter(spec, seed * 10_000 + 6_000 + layer);
      spec = await next(spec);
    }
    await run(
      spec,
      'cd /srv; echo begun > held; exec 7<held; setsid sh -c "read line <&7; while ! [ -e go ]; do sleep 0.1; done; cat /usr/share/perl5/*.pl | wc -c > answer; echo \\$line >> answer" >/dev/null 2>&1 7<&7 & sleep 0.5',
    );
    const before = await listing(spec);
    await host.snapshot(spec.id, 'snp-memory', { memory: true });
    const above = await box({ image: { snapshotId: 'snp-memory', memory: true } });
    expect(await listing(above)).toBe(before);
    await run(above, 'cd /srv; touch go; until [ "$(wc -l < answer)" = 2 ]; do sleep 0.1; done');
    expect(await run(above, 'tail -n 1 /srv/answer')).toBe('begun\n');
  });
});
