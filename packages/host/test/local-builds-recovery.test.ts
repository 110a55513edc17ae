import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatePaths } from '../src/local/state-paths.ts';
import { BuildHost } from './builds/build-host.ts';
import { buildSpec, ended, readLog } from './contract/builds.ts';
import { HostChild } from './host-child.ts';
import { programs } from './local-harness.ts';
import { patienceMs } from './patience.ts';

const from = 'FROM berth:base';

describe.skipIf(typeof programs === 'string')(
  'builds and the death of their host',
  { timeout: patienceMs(120_000) },
  () => {
    const builds = new BuildHost();

    it('are failed as lost, and nothing of them stays; what was built before is there', async () => {
      const kept = await builds.image(`${from}\nRUN echo kept > /kept`);
      await builds.host.close();
      const child = await HostChild.start(builds.installation);
      const [running, queued] = [
        buildSpec(`${from}\nRUN echo begun; sleep 100000`),
        buildSpec(from, { context: true }),
      ];
      await child.host.startBuild(running);
      await child.host.startBuild(queued);
      for await (const { message } of child.host.buildLog(running.id, { fromLine: 0, follow: true })) {
        if (message === 'begun') {
          break;
        }
      }
      await child.end('SIGKILL');
      await child.host.close();
      const paths = new StatePaths(builds.installation.configuration.stateDirectory);
      // As if it had died in the middle of an import too.
      await mkdir(join(paths.imageStores, 'half/overlay'), { recursive: true });
      await writeFile(join(paths.contexts, 'left'), 'x');
      await builds.open();
      for (const { id } of [running, queued]) {
        expect(await builds.host.build(id)).toMatchObject({ phase: 'failed', failure: 'host_lost' });
      }
      expect((await readLog(builds.host, running.id)).some(({ message }) => message === 'begun')).toBe(true);
      const { leaks } = await builds.host.describe();
      expect(Object.entries(leaks).filter(([, count]) => count > 0)).toEqual([]);
      expect(await readdir(paths.builds)).toEqual([]);
      expect(await readdir(paths.contexts)).toEqual([]);
      expect(existsSync(paths.imageStore('half'))).toBe(false);
      const again = await builds.image(`${from}\nRUN echo kept > /kept\nRUN true`);
      expect(again.text).toContain('Using cache');
      expect((await builds.host.images()).map(({ id }) => id)).toContain(kept.spec.id);
    });

    it('fail by themselves when the host is stopped, and it waits for that', async () => {
      const spec = buildSpec(`${from}\nRUN echo begun; sleep 100000`);
      await builds.host.startBuild(spec);
      for await (const { message } of builds.host.buildLog(spec.id, { fromLine: 0, follow: true })) {
        if (message === 'begun') {
          break;
        }
      }
      await builds.host.close();
      await builds.open();
      expect(await builds.host.build(spec.id)).toMatchObject({ phase: 'failed', failure: 'host_lost' });
    });

    it('go on when the helper dies', async () => {
      const spec = buildSpec(`${from}\nRUN echo begun; sleep 3; echo over`);
      await builds.host.startBuild(spec);
      for await (const { message } of builds.host.buildLog(spec.id, { fromLine: 0, follow: true })) {
        if (message === 'begun') {
          process.kill(builds.host.helperPid ?? 0, 'SIGKILL');
          break;
        }
      }
      const { phase } = await ended(builds.host, spec.id);
      expect(phase).toBe('complete');
    });
  },
);
