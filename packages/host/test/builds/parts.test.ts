import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDefaultName, localBase } from '../../src/builds/base-names.ts';
import { readBuildConfiguration } from '../../src/builds/build-configuration.ts';
import { explainBuildEnd } from '../../src/builds/build-failures.ts';
import { BuildLog, MAX_LOG_BYTES } from '../../src/builds/build-log.ts';
import { finishDockerfile } from '../../src/builds/build-plan.ts';
import { BuildQueue } from '../../src/builds/build-queue.ts';
import { markOf, recipeOf } from '../../src/builds/build-recipe.ts';
import { stackOf } from '../../src/builds/image-stacks.ts';
import { masking } from '../../src/builds/log-masking.ts';
import { LogReader } from '../../src/builds/log-reader.ts';
import { buildSpec } from '../contract/builds.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-builds-'));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

async function linesOf(log: BuildLog, fromLine = 0) {
  const lines = [];
  for await (const line of log.read(fromLine, false)) {
    lines.push(line);
  }
  return lines;
}

describe('a build log', () => {
  it('is read from any line, while it grows and after it is closed', async () => {
    const log = new BuildLog(join(directory, 'one'));
    const seen: string[] = [];
    const following = (async () => {
      for await (const { message } of log.read(0, true)) {
        seen.push(message);
      }
    })();
    log.append('info', 'first');
    log.append('error', 'sec"ond\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    log.append('warn', 'third');
    await log.close();
    await following;
    expect(seen).toEqual(['first', 'sec"ond\n', 'third']);
    const again = new BuildLog(join(directory, 'one'), 3);
    expect(await linesOf(again, 1)).toMatchObject([
      { index: 1, level: 'error' },
      { index: 2, level: 'warn', message: 'third' },
    ]);
    expect(await linesOf(new BuildLog(join(directory, 'none'), 0))).toEqual([]);
  });

  it('is bounded, says so, and still says why it failed', async () => {
    const log = new BuildLog(join(directory, 'full'));
    const line = 'x'.repeat(8 * 1024);
    for (let bytes = 0; bytes < 2 * MAX_LOG_BYTES; bytes += line.length) {
      log.append('info', line);
    }
    log.append('error', 'the end');
    await log.close();
    const lines = await linesOf(log);
    expect(lines.length * line.length).toBeLessThan(MAX_LOG_BYTES + 100_000);
    expect(lines.slice(-2)).toMatchObject([
      { level: 'warn', message: expect.stringContaining('full') },
      { message: 'the end' },
    ]);
  });

  it('takes raw output apart: colours, progress bars, levels, endless lines, secrets across pieces', async () => {
    const log = new BuildLog(join(directory, 'raw'));
    const secret = 'hunter2-hunter2';
    const reader = new LogReader(log, masking({ TOKEN: secret, LINES: 'first-line\nsecond-line' }));
    for (const piece of ['\u001b[31mred\u001b[0m\n10%\r100%\r\n', 'a hun', 'ter2-hunter2 b\nsecond-line!\n']) {
      reader.write(Buffer.from(piece));
    }
    reader.write(Buffer.from('time="now" level=warning msg="take care"\nError: no\n'));
    reader.write(Buffer.from(`${'y'.repeat(8 * 1024 - 5)}${secret}${'z'.repeat(20_000)}`));
    reader.end();
    await log.close();
    const lines = await linesOf(log);
    expect(lines.slice(0, 6).map(({ level, message }) => `${level} ${message}`)).toEqual([
      'info red',
      'info 100%',
      'info a *** b',
      'info ***!',
      'warn take care',
      'error Error: no',
    ]);
    expect(
      lines
        .slice(6)
        .map(({ message }) => message)
        .join(''),
    ).toBe(`${'y'.repeat(8 * 1024 - 5)}***${'z'.repeat(20_000)}`);
  });
});

describe('the queue', () => {
  it('runs a few at a time and lets no scope starve another', async () => {
    const order: string[] = [];
    const ends = new Map<string, () => void>();
    const queue = new BuildQueue(2, (id) => {
      order.push(id);
      return new Promise((resolve) => ends.set(id, () => resolve()));
    });
    const end = async (id: string) => {
      ends.get(id)?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    };
    for (const id of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) {
      queue.add({ id, scope: id.slice(0, 1) });
    }
    queue.add({ id: 'a3', scope: 'a' });
    expect(order).toEqual(['a1', 'a2']);
    await end('a1');
    await end('a2');
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1']);
    expect(queue.remove('b2')).toBe(true);
    expect(queue.remove('b2')).toBe(false);
    await end('b1');
    await end('c1');
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'a4']);
    expect(queue.running).toBe(2);
  });
});

describe('what a cache may give to whom', () => {
  const parts = { spec: buildSpec('FROM x'), dockerfile: 'FROM x', secretsMark: '', contextHash: '' };

  it('depends on scope, secrets, context, arguments and text, not on ids', () => {
    const recipe = recipeOf(parts);
    expect(recipeOf({ ...parts, spec: buildSpec('FROM x') })).toBe(recipe);
    const others = [
      { ...parts, spec: buildSpec('FROM x', { cacheScope: 'other' }) },
      { ...parts, spec: buildSpec('FROM x', { arguments: { A: '1' } }) },
      { ...parts, spec: buildSpec('FROM x', { steps: [{ kind: 'run', command: 'true' }] }) },
      { ...parts, secretsMark: 'm' },
      { ...parts, contextHash: 'h' },
      { ...parts, dockerfile: 'FROM y' },
    ];
    expect(new Set([recipe, ...others.map(recipeOf)]).size).toBe(others.length + 1);
    expect(recipeOf({ ...parts, dockerfile: 'FROM x\nADD https://example.com/x /x' })).toBe('');
  });

  it('names secrets by a hash that only the host can make', () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    expect(markOf({}, one)).toBe('');
    expect(markOf({ A: '1', B: '2' }, one)).toBe(markOf({ B: '2', A: '1' }, one));
    expect(markOf({ A: '1' }, one)).not.toBe(markOf({ A: '2' }, one));
    expect(markOf({ A: '1' }, one)).not.toBe(markOf({ A: '1' }, other));
    expect(markOf({ A: '1' }, one)).not.toContain('1'.repeat(32));
  });
});

describe('the layers of an image', () => {
  const layer = (id: string, parent = '') => ({ id, parent, bytes: 10 });
  const base = { id: 'base', layers: [layer('l1')], images: { i0: 'l1' } };

  it('are followed through the stores that its build could see', () => {
    const own = { id: 'own', layers: [layer('l2', 'l1'), layer('l3', 'l2')], images: { i1: 'l3' } };
    expect(stackOf('i1', [own, base])).toEqual({
      layers: [
        { store: 'own', layer: 'l3' },
        { store: 'own', layer: 'l2' },
        { store: 'base', layer: 'l1' },
      ],
      bytes: 30,
      contentStore: 'own',
    });
  });

  it('end where a store names what is not there, or goes round in a circle', () => {
    expect(() => stackOf('i9', [base])).toThrow(/no store has the image/);
    expect(() => stackOf('i1', [{ id: 'own', layers: [], images: { i1: 'l7' } }, base])).toThrow(
      /no store has the layer/,
    );
    const circle = { id: 'own', layers: [layer('a', 'b'), layer('b', 'a')], images: { i1: 'a' } };
    expect(() => stackOf('i1', [circle, base])).toThrow(/more than \d+ layers/);
  });
});

describe('why a build ended', () => {
  const limits = { diskBytes: 2 ** 30 };
  const end = { waitStatus: 1 << 8, complete: false, oomKills: 0, usedBytes: 0 };

  it.each([
    [end, ['Error: building at STEP "RUN false": while running runtime: exit status 1'], 'build_failed'],
    [{ ...end, oomKills: 1 }, ['Error: exit status 137'], 'out_of_memory'],
    [{ ...end, usedBytes: limits.diskBytes - 4096 }, ['Error: exit status 1'], 'out_of_disk'],
    [end, ['write /x: No space left on device', 'Error: exit status 1'], 'out_of_disk'],
    [end, ['Error: creating build container: nothing:1: image not known'], 'base_unavailable'],
    [{ ...end, waitStatus: 10 << 8 }, ['tar: This does not look like a tar archive'], 'context_invalid'],
    [{ ...end, waitStatus: null }, [], 'build_failed'],
  ])('%o %s is %s', (how, tail, failure) => {
    expect(explainBuildEnd(how, limits, tail, true)).toMatchObject({ failure });
  });
});

describe('names of bases', () => {
  it.each([
    ['debian', 'debian-trixie'],
    ['debian:12-slim', 'debian-bookworm'],
    ['debian:12.5', 'debian-bookworm'],
    ['docker.io/library/debian:bookworm', 'debian-bookworm'],
    ['ubuntu:22.04', 'ubuntu-jammy'],
    ['library/ubuntu', 'ubuntu-noble'],
    ['python:3.11-slim', 'python-3.11'],
    ['node:26', 'node-26'],
    ['python:3.12', undefined],
    ['node:18', undefined],
    ['debian:sid-20240101', undefined],
    ['ghcr.io/library/debian:bookworm', undefined],
    ['debian@sha256:00', undefined],
    ['scratch', undefined],
  ])('%s is %s', (name, key) => {
    expect(localBase(name, '26')?.key).toBe(key);
  });

  it('of Runloop mean the default image', () => {
    for (const name of [
      'berth:base',
      'runloop:runloop/starter-x86_64',
      'runloop:runloop/starter-arm64',
      'runloop/prod-dnd-arm64:latest',
    ]) {
      expect(isDefaultName(name)).toBe(true);
    }
    expect(isDefaultName('runloopx/starter')).toBe(false);
  });
});

describe('the steps after a Dockerfile', () => {
  it('are one line each, whatever is in them', () => {
    const spec = buildSpec(undefined, {
      steps: [
        { kind: 'run', command: 'echo "a\nFROM x"\n' },
        { kind: 'file', path: '/home/user/$x/f', content: '', mode: 0o755 },
        { kind: 'run', command: 'id', user: 'root', directory: '/opt' },
      ],
    });
    const lines = finishDockerfile(spec, 'v').trimEnd().split('\n');
    expect(lines).toContain(String.raw`RUN ["/bin/sh","/.berth/step","/home/user","echo \"a\nFROM x\"\n"]`);
    expect(lines).toContain(String.raw`COPY --chown=1000:1000 --chmod=0755 ["file-1","/home/user/\\$x/f"]`);
    expect(lines).toContain('USER root');
    expect(lines.filter((line) => line.startsWith('FROM'))).toEqual(['FROM @STAGE@']);
  });
});

describe('how an installation builds', () => {
  it('is read from the environment, and what is wrong is named', () => {
    expect(readBuildConfiguration({ BERTH_PARALLEL_BUILDS: '3' })).toMatchObject({ parallelBuilds: 3, bases: 'auto' });
    expect(() => readBuildConfiguration({ BERTH_PARALLEL_BUILDS: '0' })).toThrow(/BERTH_PARALLEL_BUILDS/);
    expect(() => readBuildConfiguration({ BERTH_BASE_IMAGES: 'x' })).toThrow(/BERTH_BASE_IMAGES/);
  });
});
