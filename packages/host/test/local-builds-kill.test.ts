import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { placeOf } from '../src/builds/build-parts.ts';
import type { Host } from '../src/contract/index.ts';
import { cgroupsPathOf } from '../src/local/host-parts.ts';
import { StatePaths } from '../src/local/state-paths.ts';
import { cgroupDirectories, detectCgroups } from '../src/runtimes/oci/cgroup-layout.ts';
import { BuildHost } from './builds/build-host.ts';
import { tar } from './builds/tar.ts';
import { buildSpec, ended } from './contract/builds.ts';
import { pieces } from './contract/harness.ts';
import { HostChild } from './host-child.ts';
import { programs } from './local-harness.ts';
import { patienceMs } from './patience.ts';

/** Of each kind; more when asked for. */
const rounds = Number(process.env['BERTH_BUILD_KILLS'] ?? 3);
/** Longest time until a kill: a build of these tests takes about as long. */
const SPAN_MS = 1_500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(typeof programs === 'string')(
  'a build that is killed at any point',
  { timeout: patienceMs(60_000) * (rounds + 1) },
  () => {
    const builds = new BuildHost();

    /** Never in the cache. */
    const wish = () => {
      const unique = Math.random().toString(36).slice(2);
      return buildSpec(
        `FROM berth:base\nRUN echo ${unique} > /one; seq 100000 > /more\nCOPY a /a\nRUN cat /a /one > /two`,
        {
          context: true,
          steps: [{ kind: 'run', command: `echo ${unique} > own` }],
        },
      );
    };
    const begin = async (host: Host, spec: ReturnType<typeof wish>) => {
      await host.putBuildContext(spec.id, pieces(tar({ name: 'a', content: 'a\n' }).toString('latin1')));
      await host.startBuild(spec);
    };
    const nothingIsLeft = async () => {
      const paths = new StatePaths(builds.installation.configuration.stateDirectory);
      await vi.waitFor(
        async () => {
          const { leaks } = await builds.host.describe();
          expect(Object.entries(leaks).filter(([, count]) => count > 0)).toEqual([]);
          const isReady = (name: string) => name.startsWith('ready-');
          expect((await readdir(paths.builds)).filter((name) => !isReady(name))).toEqual([]);
          expect((await readdir(paths.contexts)).filter((name) => !isReady(name))).toEqual([]);
        },
        { timeout: patienceMs(30_000) },
      );
      const { images } = (await builds.host.describe()).builds;
      expect(images).toBe((await builds.host.images()).length);
      for (const { layers } of await builds.host.images()) {
        for (const { path } of layers) {
          await readdir(path);
        }
      }
    };

    it('with its host, is failed as lost or complete; what stays is whole, and the next host builds it', async () => {
      await builds.host.close();
      for (let round = 0; round < rounds; round++) {
        const child = await HostChild.start(builds.installation);
        const spec = wish();
        await begin(child.host, spec);
        const delayMs = Math.random() * SPAN_MS;
        await pause(delayMs);
        await child.end('SIGKILL');
        await child.host.close();
        await builds.open();
        const state = await builds.host.build(spec.id);
        const known = `after ${delayMs} ms: ${JSON.stringify(state)}`;
        expect(state?.phase === 'complete' || state?.failure === 'host_lost', known).toBe(true);
        await nothingIsLeft();
        const again = { ...spec, id: `${spec.id}-2` };
        await begin(builds.host, again);
        expect(await ended(builds.host, again.id), known).toMatchObject({ phase: 'complete' });
        await builds.host.close();
      }
      await builds.open();
    });

    /** Processes of the sandbox that builds, which may have been kept ready for it. */
    const processesOf = async (name: string): Promise<number[]> => {
      const layout = await detectCgroups();
      const { configuration } = builds.installation;
      const paths = new StatePaths(configuration.stateDirectory);
      const found: number[] = [];
      for (const id of await readdir(paths.builds)) {
        for (const directory of cgroupDirectories(layout, cgroupsPathOf(configuration, placeOf(id)))) {
          const text = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
          found.push(...text.split('\n').filter(Boolean).map(Number));
        }
      }
      const named = await Promise.all(
        [...new Set(found)].map(async (pid) => {
          const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
          return comm.startsWith(name) ? [pid] : [];
        }),
      );
      return named.flat();
    };

    it.each(['buildah', 'bash', ''])(
      'by the death of a process of it (%s), fails or completes, and leaves nothing',
      async (name) => {
        for (let round = 0; round < rounds; round++) {
          const spec = wish();
          await begin(builds.host, spec);
          await pause(Math.random() * SPAN_MS);
          const victims = await processesOf(name);
          const victim = victims[Math.floor(Math.random() * victims.length)];
          if (victim !== undefined) {
            try {
              process.kill(victim, 'SIGKILL');
            } catch {
              // It has ended by itself.
            }
          }
          const state = await ended(builds.host, spec.id);
          expect(state.phase === 'complete' || state.failure === 'build_failed', JSON.stringify(state)).toBe(true);
          await nothingIsLeft();
        }
        const whole = wish();
        await begin(builds.host, whole);
        expect(await ended(builds.host, whole.id)).toMatchObject({ phase: 'complete' });
      },
    );
  },
);
