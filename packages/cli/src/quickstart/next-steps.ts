import { quoted } from '../commands/env.ts';
import { repositoryDirectory } from '../installation/paths.ts';
import { bold, dim } from '../output/style.ts';

/** A script for the official client; run from the repository, where the client is installed. */
const clientScript = `./berth node --input-type=module <<'EOF'
import { RunloopSDK } from '@runloop/api-client';
const box = await new RunloopSDK().devbox.create({ name: 'hello' });
const { exitCode } = await box.cmd.exec('uname -a; nproc; free -m', { stdout: (line) => console.log(line) });
console.log(box.id, 'ended with', exitCode);
await box.shutdown();
EOF`;

/** How the next commands reach what quickstart has just started. */
export interface Surroundings {
  /** Whether quickstart was run by way of sudo: the shell that the commands are pasted into is not root's then. */
  readonly sudo: boolean;
  /** Directory of the installation, unless it is the usual one. */
  readonly state: string | undefined;
}

const usualState = '/var/lib/berth';

export const surroundings = (environment: NodeJS.ProcessEnv = process.env): Surroundings => {
  const state = environment['BERTH_STATE'];
  return {
    sudo: environment['SUDO_UID'] !== undefined && environment['SUDO_UID'] !== '0',
    state: state === undefined || state === '' || state === usualState ? undefined : state,
  };
};

/** What quickstart ends with: commands that work when they are pasted into the shell that it was started from. */
export const nextSteps = (baseUrl: string, { sudo, state }: Surroundings = surroundings()): string => {
  const given = state === undefined ? '' : `BERTH_STATE=${quoted(state)} `;
  const root = sudo ? `sudo ${given}` : '';
  return [
    `${bold('Berth is running')} at ${baseUrl} – any Runloop client works with it. Try next:`,
    ...(process.cwd() === repositoryDirectory() ? [] : [`cd ${quoted(repositoryDirectory())}`]),
    ...(sudo || given === '' ? [] : [`export ${given.trim()}`]),
    '',
    dim('1. a box of your own'),
    `box=$(${root}./berth devbox create --name mine) && ${root}./berth devbox shell "$box"`,
    '',
    dim('2. your own task, in four boxes at once'),
    `${root}./berth run --agent 'grep -rnEi "todo|fixme" . | wc -l > "$BERTH_RESULT"' --repo . -n 4 -- count what is left to do`,
    '',
    dim('3. the official client, pasted as it is'),
    `eval "$(${root}./berth env)"`,
    clientScript,
    '',
    dim('4. an agent forked live into eight, with its processes'),
    `${root}examples/live-fork/run`,
    '',
    dim(`${root}./berth status shows what runs, ${root}./berth down stops it.`),
  ].join('\n');
};
