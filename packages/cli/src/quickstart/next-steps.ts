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

/** What quickstart ends with. */
export const nextSteps = (baseUrl: string): string =>
  [
    `${bold('Berth is running')} at ${baseUrl} – any Runloop client works with it. Try next:`,
    ...(process.cwd() === repositoryDirectory() ? [] : [`cd ${quoted(repositoryDirectory())}`]),
    '',
    dim('1. a box of your own'),
    'box=$(./berth devbox create --name mine) && ./berth devbox shell "$box"',
    '',
    dim('2. your own task, in four boxes at once'),
    `./berth run --agent 'grep -rnEi "todo|fixme" . | wc -l > "$BERTH_RESULT"' --repo . -n 4 -- count what is left to do`,
    '',
    dim('3. the official client, pasted as it is'),
    'eval "$(./berth env)"',
    clientScript,
    '',
    dim('4. an agent forked live into eight, with its processes'),
    'examples/live-fork/run',
    '',
    dim('./berth status shows what runs, ./berth down stops it.'),
  ].join('\n');
