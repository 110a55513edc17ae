import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { BoxSpec } from '../src/contract/index.ts';
import { StatePaths } from '../src/local/state-paths.ts';
import { BuildHost } from './builds/build-host.ts';
import { makeSmallRootfs } from './builds/small-rootfs.ts';
import { tar } from './builds/tar.ts';
import { buildContract } from './contract/builds.ts';
import { Bench } from './contract/harness.ts';
import { grades, localHarness, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

if (typeof programs === 'string') {
  describe.skip(`builds (skipped: ${programs})`, () => {
    it('makes images', () => undefined);
  });
}

describe.each(grades.slice(0, 1))('Host contract: LocalHost, builds ($grade)', ({ change }) => {
  const bench = new Bench(async () => {
    const imageRootfs = await makeSmallRootfs(join(await mkdtemp(join(tmpdir(), 'bi-')), 'rootfs'));
    return localHarness({ ...change, imageRootfs });
  });
  buildContract(bench);
});

const unless = describe.skipIf(typeof programs === 'string');

unless.each(grades)('boxes of a built image ($grade)', { timeout: patienceMs(120_000) }, ({ grade, change }) => {
  const builds = new BuildHost(() => change);
  const wait = { timeoutMs: patienceMs(30_000), lastLines: 10_000 };

  async function box(image: BoxSpec['image']): Promise<string> {
    const spec = boxSpec({ image, isolation: grade, environment: { OWN: 'yes' } });
    expect(await builds.host.create(spec)).toMatchObject({ phase: 'running', isolation: grade });
    return spec.id;
  }
  async function output(boxId: string, command: string): Promise<string> {
    const executionId = `e-${Math.random().toString(36).slice(2)}`;
    const { stdout, stderr } = await builds.host.executeAndWait(boxId, { executionId, origin: 'exec', command }, wait);
    return stdout.text + stderr.text;
  }

  it('see what its layers say: removals, replaced directories, owners, environment, files and steps', async () => {
    const { spec } = await builds.image(
      [
        'FROM berth:base',
        'ENV PATH=/opt/bin:/usr/bin:/bin COLOUR=blue',
        'RUN mkdir -p /d/sub /opt/bin; echo old > /d/old; echo gone > /gone; chown 7:8 /d/sub',
        'RUN rm -r /d /gone; mkdir /d; echo new > /d/new; chown 7:8 /d/new',
      ].join('\n'),
      {
        steps: [
          { kind: 'file', path: '/home/user/a dir/$HOME.txt', content: 'mine', mode: 0o600 },
          { kind: 'file', path: '/etc/own.conf', content: 'root’s' },
          { kind: 'run', command: 'pwd > where; id -un >> where; cat "a dir/\\$HOME.txt" >> where' },
        ],
      },
    );
    const id = await box({ imageId: spec.id });
    expect(await output(id, 'ls / /d; stat -c "%u %g %n" /d/new')).toMatch(/d\n[\s\S]*\/d:\nnew\n7 8 \/d\/new\n$/);
    expect(await output(id, 'ls /gone')).toContain('No such file');
    expect(await output(id, 'echo $PATH $COLOUR $OWN')).toBe('/opt/bin:/usr/bin:/bin blue yes\n');
    expect(await output(id, 'cat where; stat -c "%U %a" "a dir/\\$HOME.txt" "a dir"; cat /etc/own.conf')).toBe(
      '/home/user\nuser\nmineuser 600\nuser 755\nroot’s',
    );
    const numbers = await output(id, 'echo x > one; echo x > two; find / -xdev -type f -links 1 -printf "%i\\n"');
    const all = numbers.trim().split('\n');
    expect(all.length).toBeGreaterThan(20);
    expect(new Set(all).size).toBe(all.length);
  });

  it('go on when the image is removed, and hand its layers on to snapshots', async () => {
    const base = await builds.image('FROM berth:base\nRUN echo below > /below');
    const top = await builds.image('FROM berth:base\nRUN cat /below > /copy', { baseImageId: base.spec.id });
    const id = await box({ imageId: top.spec.id });
    await builds.host.removeImage(base.spec.id);
    await builds.host.removeImage(top.spec.id);
    await builds.host.pruneBuildCache({ keepBytes: 0 });
    expect(await output(id, 'cat /copy; echo own > own')).toBe('below\n');
    await builds.host.snapshot(id, `snp-${grade}`, { memory: false });
    await builds.host.destroy(id);
    await builds.host.pruneBuildCache({ keepBytes: 0 });
    const other = await box({ snapshotId: `snp-${grade}`, memory: false });
    expect(await output(other, 'cat /copy own; echo $OWN')).toBe('below\nown\nyes\n');
    await builds.host.suspend(other, { memory: false });
    await builds.host.resume(boxSpec({ id: other, isolation: grade }), { memory: false });
    expect(await output(other, 'cat /copy own')).toBe('below\nown\n');
    await builds.host.destroy(other);
    await builds.host.deleteSnapshot(`snp-${grade}`);
    for (const { id: one } of await builds.host.images()) {
      await builds.host.removeImage(one);
    }
    for (const { id: one } of await builds.host.list()) {
      await builds.host.destroy(one);
    }
    await builds.host.pruneBuildCache({ keepBytes: 0 });
    expect((await builds.host.describe()).builds).toMatchObject({ images: 0, storedBytes: 0 });
    expect(await readdir(join(builds.host.stateDirectory, 'volume/images/upper'))).toEqual([]);
  });
});

unless('the cache of builds', { timeout: patienceMs(120_000) }, () => {
  const builds = new BuildHost();
  const dockerfile = 'FROM berth:base\nRUN echo $RANDOM > /random\nCOPY a /a';
  const context = tar({ name: 'a', content: 'a' });

  it('serves the same steps again, also after a restart, and the same recipe at once', async () => {
    const first = await builds.image(dockerfile, {}, context);
    const same = await builds.image(dockerfile, {}, context);
    expect(same.text).toContain('every step is in the cache');
    expect(same.state.image?.layers).toEqual(first.state.image?.layers);
    await builds.host.close();
    await builds.open();
    const longer = await builds.image(`${dockerfile}\nRUN true`, {}, context);
    expect(longer.text.match(/Using cache/g)?.length).toBe(2);
    const changed = await builds.image(`${dockerfile}\nRUN true`, {}, tar({ name: 'a', content: 'b' }));
    expect(changed.text.match(/Using cache/g)?.length).toBe(1);
  });

  it('gives nothing to another scope, nor to builds with other secrets', async () => {
    const own = await builds.image(dockerfile, {}, context);
    const others = await builds.image(dockerfile, { cacheScope: 'another' }, context);
    expect(others.text).not.toContain('Using cache');
    expect(others.state.image?.layers[1]).not.toEqual(own.state.image?.layers[1]);
    const secret = await builds.image(dockerfile, { secrets: { A: 'value-one' } }, context);
    expect(secret.text).not.toContain('Using cache');
    const again = await builds.image(`${dockerfile}\nRUN true`, { secrets: { A: 'value-one' } }, context);
    expect(again.text).toContain('Using cache');
  });

  it('finishes no image again that an earlier build has finished in the same way, and another one anew', async () => {
    const steps = [{ kind: 'run', command: 'echo $RANDOM > own' }] as const;
    const first = await builds.image(dockerfile, { steps }, context);
    const again = await builds.image(`${dockerfile}\n# a remark`, { steps }, context);
    expect(again.text).not.toContain('/.berth/');
    expect(again.state.image?.layers).toEqual(first.state.image?.layers);
    const { text, state } = await builds.image(`${dockerfile}\n# two`, { steps: [...steps, ...steps] }, context);
    expect(text).toContain('/.berth/step');
    expect(state.image?.layers.length).toBe((first.state.image?.layers.length ?? 0) + 1);
  });

  it('keeps one sandbox ready for the next build that sees the same layers; no other has it, and it is no leak', async () => {
    const { builds: places } = new StatePaths(builds.host.stateDirectory);
    const ready = async () => (await readdir(places)).filter((name) => name.startsWith('ready-'));
    /** The one that waits once all is quiet, when it is none of these. */
    const waiting = (...not: readonly string[]) =>
      vi.waitFor(async () => {
        const { leaks } = await builds.host.describe();
        expect(Object.entries(leaks).filter(([, count]) => count > 0)).toEqual([]);
        const [one = '', ...others] = await ready();
        expect([one, others]).toEqual([expect.stringMatching(/^ready-/), []]);
        expect(not).not.toContain(one);
        return one;
      }, patienceMs(30_000));
    await builds.image(`${dockerfile}\n# one more`, {}, context);
    const kept = await waiting();
    await builds.image(`${dockerfile}\n# another scope`, { cacheScope: 'yet another' }, context);
    const others = await waiting(kept);
    await builds.image(`${dockerfile}\n# back`, {}, context);
    await waiting(kept, others);
    const failed = await builds.build('FROM berth:base\nRUN false', { networkPolicy: 'npol_x' });
    expect(failed.state).toMatchObject({ phase: 'failed', failure: 'build_failed' });
    expect(failed.text).toContain('network policy npol_x: kept, but not enforced');
    await builds.host.pruneBuildCache({ keepBytes: 2 ** 40 });
    expect(await ready()).toEqual([]);
  });

  it('knows here-documents, and refuses by name those that it cannot do', async () => {
    const text = ['FROM berth:base', 'ARG WHO=you', 'RUN <<EOF', 'set -e', 'echo "hello $WHO"', 'EOF'];
    const more = ["RUN cat <<'EOF'", 'FROM $WHO \\ "here"', 'EOF'];
    const { text: said } = await builds.image([...text, ...more].join('\n'));
    expect(said).toContain('hello you\n');
    expect(said).toContain('FROM $WHO \\ "here"\n');
    expect((await builds.build([...text, 'RUN <<EOF', 'exit 3', 'EOF'].join('\n'))).state).toMatchObject({
      phase: 'failed',
      failure: 'build_failed',
    });
    const copied = await builds.build('FROM berth:base\nCOPY <<EOF /x\ny\nEOF');
    expect(copied.state).toMatchObject({ phase: 'failed', failure: 'build_failed' });
    expect(JSON.stringify(copied.state)).toContain('line 2: COPY <<EOF');
  });

  it('names arguments, stages and targets as a Dockerfile does', async () => {
    const text = [
      'ARG BASE=berth:base',
      `FROM \${BASE} AS one`,
      'ARG WHO=nobody',
      'RUN echo "hello $WHO" > /who',
      'FROM berth:base AS two',
      'COPY --from=one /who /copied',
      'RUN cat /copied',
    ].join('\n');
    expect((await builds.image(text, { arguments: { WHO: 'you' } })).text).toContain('hello you');
    expect((await builds.image(text, { target: 'one' })).text).not.toContain('STEP 2/3: COPY');
    const missing = await builds.build('FROM nowhere.example/none:1\nRUN true');
    expect(missing.state).toMatchObject({ phase: 'failed', failure: 'base_unavailable' });
  });
});
