import { expect, it } from 'vitest';
import { nextSteps, surroundings } from './next-steps.ts';

/** Lines that begin a command of the launcher. */
const commands = (environment: NodeJS.ProcessEnv): string[] =>
  nextSteps('http://127.0.0.1:8080', surroundings(environment))
    .split('\n')
    .filter((line) => /^(box=|sudo|\.\/berth run|eval|examples|export)/.test(line));

it('are for the shell of root', () => {
  const lines = commands({ BERTH_STATE: '/var/lib/berth' });
  expect(lines).toHaveLength(4);
  expect(lines).toContain('eval "$(./berth env)"');
  expect(lines.join()).not.toContain('sudo');
});

it('ask for root again where quickstart was run by sudo, but for the client, which has the key', () => {
  const lines = commands({ SUDO_UID: '1000' });
  expect(lines).toContain('eval "$(sudo ./berth env)"');
  expect(lines).toContain('sudo examples/live-fork/run');
  expect(lines.filter((line) => !line.includes('sudo '))).toEqual([]);
  expect(nextSteps('x', surroundings({ SUDO_UID: '1000' }))).toContain('\n./berth node ');
});

it('name an installation that is not the usual one', () => {
  expect(commands({ BERTH_STATE: '/srv/two' })).toContain('export BERTH_STATE=/srv/two');
  expect(commands({ BERTH_STATE: '/srv/two', SUDO_UID: '1000' })).toContain(
    'eval "$(sudo BERTH_STATE=/srv/two ./berth env)"',
  );
});
