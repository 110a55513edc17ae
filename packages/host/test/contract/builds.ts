import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BuildLogLine, BuildSpec, BuildState, Host, HostEvent } from '../../src/contract/index.ts';
import { patienceMs } from '../patience.ts';
import type { Bench } from './harness.ts';
import { pieces } from './harness.ts';

export const buildId = () => `bpt-${randomBytes(6).toString('hex')}`;

/** The wish for a build of this Dockerfile. */
export function buildSpec(dockerfile: string | undefined, change: Partial<BuildSpec> = {}): BuildSpec {
  return {
    id: buildId(),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    context: false,
    arguments: {},
    secrets: {},
    steps: [],
    user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
    cacheScope: 'test',
    limits: {
      timeoutMs: patienceMs(120_000),
      cpus: 2,
      memoryBytes: 2 ** 30,
      diskBytes: 2 ** 31,
      processes: 512,
    },
    ...change,
  };
}

/** Resolves when the build has ended, with what is known of it then. */
export async function ended(host: Host, id: string): Promise<BuildState> {
  await readLog(host, id);
  for (;;) {
    const state = await host.build(id);
    if (!state || (state.phase !== 'queued' && state.phase !== 'running')) {
      return state ?? Promise.reject(new Error(`no build ${id}`));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All lines of a build's log, those to come too. */
export async function readLog(host: Host, id: string, fromLine = 0): Promise<BuildLogLine[]> {
  const lines: BuildLogLine[] = [];
  for await (const line of host.buildLog(id, { fromLine, follow: true })) {
    lines.push(line);
  }
  return lines;
}

export function buildContract(bench: Bench): void {
  describe('builds', { timeout: patienceMs(120_000) }, () => {
    const from = 'FROM berth:base';

    it('makes an image that boxes start from', async () => {
      const spec = buildSpec(`${from}\nENV COLOUR=blue\nLABEL kind=test\nWORKDIR /srv\nRUN true`);
      await bench.host.startBuild(spec);
      const { phase, image } = await ended(bench.host, spec.id);
      expect(phase).toBe('complete');
      expect(image).toMatchObject({
        id: spec.id,
        environment: { COLOUR: 'blue' },
        labels: { kind: 'test' },
        workdir: '/srv',
      });
      const boxId = await bench.box({ image: { imageId: spec.id } });
      expect((await bench.run(boxId, 'echo $COLOUR')).stdout.text).toBe('blue\n');
      expect((await bench.host.images()).map(({ id }) => id)).toContain(spec.id);
      await bench.host.destroy(boxId);
      await bench.host.removeImage(spec.id);
      await bench.host.removeImage(spec.id);
      expect((await bench.host.images()).map(({ id }) => id)).not.toContain(spec.id);
      await expect(bench.host.create(bench.spec({ image: { imageId: spec.id } }))).rejects.toMatchObject({
        code: 'imageUnavailable',
      });
    });

    it('starts a build once for each id', async () => {
      const spec = buildSpec(`${from}\nRUN true`);
      const [one, other] = await Promise.all([bench.host.startBuild(spec), bench.host.startBuild(spec)]);
      expect(one.createdMs).toBe(other.createdMs);
      const { endedMs } = await ended(bench.host, spec.id);
      expect((await bench.host.startBuild(spec)).endedMs).toBe(endedMs);
      expect((await bench.host.builds()).filter(({ id }) => id === spec.id)).toHaveLength(1);
      await bench.host.removeImage(spec.id);
    });

    it('fails with its reason and keeps the log', async () => {
      const spec = buildSpec(`${from}\nRUN exit 3`);
      await bench.host.startBuild(spec);
      expect(await ended(bench.host, spec.id)).toMatchObject({ phase: 'failed', failure: 'build_failed' });
      const log = await readLog(bench.host, spec.id);
      expect(log.map(({ index }) => index)).toEqual(log.map((_, index) => index));
      expect(log.some(({ message }) => message.includes('RUN exit 3'))).toBe(true);
      expect(log.some(({ level }) => level === 'error')).toBe(true);
      expect(await readLog(bench.host, spec.id, 1)).toEqual(log.slice(1));
    });

    it('waits for its context', async () => {
      const spec = buildSpec(`${from}\nRUN true`, { context: true });
      expect(await bench.host.startBuild(spec)).toMatchObject({ phase: 'queued' });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await bench.host.build(spec.id)).toMatchObject({ phase: 'queued' });
      // Two blocks of zeros end an archive: this one is empty.
      await bench.host.putBuildContext(spec.id, pieces('\0'.repeat(1024)));
      expect(await ended(bench.host, spec.id)).toMatchObject({ phase: 'complete' });
      await bench.host.removeImage(spec.id);
    });

    it('is cancelled while it is queued, and stays so', async () => {
      const spec = buildSpec(`${from}\nRUN true`, { context: true });
      await bench.host.startBuild(spec);
      await bench.host.cancelBuild(spec.id);
      await bench.host.cancelBuild(spec.id);
      expect(await ended(bench.host, spec.id)).toMatchObject({ phase: 'cancelled' });
      expect(await bench.host.startBuild(spec)).toMatchObject({ phase: 'cancelled' });
      await bench.host.cancelBuild('bpt-never-seen');
    });

    it('tells subscribers, and is forgotten when asked', async () => {
      const abort = new AbortController();
      const seen: string[] = [];
      const spec = buildSpec(`${from}\nRUN true`);
      const listening = (async () => {
        for await (const event of bench.host.events(abort.signal)) {
          note(event, spec.id, seen);
          if (seen.at(-1) === 'complete') {
            return;
          }
        }
      })();
      await bench.host.startBuild(spec);
      await listening;
      abort.abort();
      expect(seen).toEqual(['running', 'complete']);
      await bench.host.forgetBuild(spec.id);
      await bench.host.forgetBuild(spec.id);
      expect(await bench.host.build(spec.id)).toBeUndefined();
      await expect(readLog(bench.host, spec.id)).rejects.toMatchObject({ code: 'buildNotFound' });
      expect((await bench.host.images()).map(({ id }) => id)).toContain(spec.id);
      await bench.host.removeImage(spec.id);
    });
  });
}

function note(event: HostEvent, id: string, seen: string[]): void {
  if (event.type === 'build' && event.state.id === id) {
    seen.push(event.state.phase);
  }
}
