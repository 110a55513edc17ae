import { createHash } from 'node:crypto';
import { persist } from '../chaos/persist.ts';
import { type Bench, shellName } from './bench.ts';
import { type ModelBox, statusOf } from './expectation.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** One line a file, then what the listening program says. */
const look = [
  'cd ~/kept 2>/dev/null && for f in *; do [ -e "$f" ] && sha256sum "$f"; done',
  'exec 2>/dev/null 3<>/dev/tcp/127.0.0.1/7007 && echo "served $(cat <&3)"',
  'true',
].join('\n');

/** Everything acknowledged is there, byte for byte, and nothing else; what processes knew, they know. */
export async function verify({ api }: Bench, box: ModelBox): Promise<void> {
  const found = lines(await api.output(box.id, look));
  const wanted = [
    ...[...box.files].map(([name, text]) => `${sha(text)}  ${name}`),
    ...(box.mind.served === undefined ? [] : [`served ${box.mind.served}`]),
  ].sort();
  if (found.join('\n') !== wanted.join('\n')) {
    throw new Error(`${box.id} holds\n${found.join('\n')}\nand not\n${wanted.join('\n')}`);
  }
  const word = (await api.output(box.id, 'echo "$kept"', shellName)).trimEnd();
  if (word !== (box.mind.word ?? '')) {
    throw new Error(`the shell of ${box.id} remembers '${word}', not '${box.mind.word}'`);
  }
  await verifyRecords({ api }, box);
}

/** The last commands that ended are still known, whatever has become of the box. */
export async function verifyRecords({ api }: Pick<Bench, 'api'>, box: ModelBox): Promise<void> {
  for (const [executionId, status] of [...box.finished].slice(-3)) {
    const view = await persist('old execution', () => api.client.devboxes.executions.retrieve(box.id, executionId));
    if (view.status !== 'completed' || view.exit_status !== status) {
      throw new Error(`${box.id}: ${executionId} became ${JSON.stringify(view)}`);
    }
  }
}

/** The platform says of the box what the reference does. */
export async function verifyStatus({ api }: Pick<Bench, 'api'>, box: ModelBox): Promise<void> {
  const view = await api.get(box.id);
  if (view.status !== statusOf[box.standing]) {
    throw new Error(`${box.id} is ${view.status}, not ${box.standing}: ${JSON.stringify(view.state_transitions)}`);
  }
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
