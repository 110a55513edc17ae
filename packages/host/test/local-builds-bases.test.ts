import { describe, expect, it } from 'vitest';
import { BuildHost } from './builds/build-host.ts';
import { grades, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

/** Minutes, and a mirror of Debian: `BERTH_TEST_BASES=1` asks for it. */
const isAsked = process.env['BERTH_TEST_BASES'] === '1' && typeof programs !== 'string';
const node = process.versions.node.split('.')[0];

describe.skipIf(!isAsked)('bases that are made here', { timeout: patienceMs(540_000) }, () => {
  const builds = new BuildHost(({ builds: settings }) => ({
    ...Object.assign({}, ...grades.map(({ change }) => change)),
    builds: { ...settings, bases: 'local' },
  }));
  const wait = { timeoutMs: patienceMs(60_000), lastLines: 1_000 };

  it.each([
    { name: 'debian:bookworm', command: '. /etc/os-release; echo $VERSION_CODENAME', says: /^bookworm$/m },
    { name: 'debian:bookworm-slim', command: '. /etc/os-release; echo $VERSION_CODENAME', says: /^bookworm$/m },
    { name: 'ubuntu:22.04', command: '. /etc/os-release; echo $ID $VERSION_ID', says: /^ubuntu 22\.04$/m },
    { name: 'python:3.11', command: 'python --version && python -m pip --version', says: /^Python 3\.11\.\d+\npip / },
    { name: `node:${node}-slim`, command: 'node --version && npm --version', says: new RegExp(`^v${node}\\.`) },
  ])('$name, in boxes of either grade, and it says what it is', async ({ name, command, says }) => {
    const { spec, state, text } = await builds.image(`FROM ${name}\nRUN ${command}`);
    expect(state.image?.standIn).toContain(`in place of docker.io/library/${name}`);
    expect(text).toContain('no registry can be reached');
    for (const { grade } of grades) {
      const box = boxSpec({ image: { imageId: spec.id }, isolation: grade });
      expect(await builds.host.create(box)).toMatchObject({ phase: 'running', isolation: grade });
      const wish = { executionId: 'e-1', origin: 'exec', command: `${command}; sudo -n id -un` } as const;
      const { stdout } = await builds.host.executeAndWait(box.id, wish, wait);
      expect(stdout.text).toMatch(says);
      expect(stdout.text).toMatch(/\nroot\n$/);
      await builds.host.destroy(box.id);
    }
  });
});
