/** Executions a second at concurrency 32, against the rate at which this machine can fork and exec `bash -c true` at all. Goal: 1,500/s. */
import { spawn } from 'node:child_process';
import { connect } from './support/client.ts';
import { createRunning, execute, shutdown } from './support/devbox.ts';
import { report, timeMs } from './support/stats.ts';

const concurrency = Number(process.env.CONCURRENCY ?? 32);
const total = Number(process.env.TOTAL ?? 4000);

/** The limit: a shell that starts `bash -c true` as fast as two cores can, two at a time. */
const spawnRate = async (): Promise<number> => {
  const each = 500;
  const loop = `for i in $(seq ${each}); do /bin/bash -c true; done`;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      spawn('/bin/dash', ['-c', loop], { stdio: 'ignore' })
        .on('exit', () => resolve())
        .on('error', reject);
    });
  const ms = await timeMs(() => Promise.all([one(), one()]));
  return (2 * each * 1000) / ms;
};

const client = connect(concurrency);
const box = await createRunning(client, 'MEDIUM');
let rate = 0;
let limit = 0;
try {
  await Promise.all(Array.from({ length: concurrency }, () => execute(client, box, 'true')));
  let left = total;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await execute(client, box, 'true');
    }
  };
  const before = await spawnRate();
  const ms = await timeMs(() => Promise.all(Array.from({ length: concurrency }, worker)));
  rate = (total * 1000) / ms;
  limit = (before + (await spawnRate())) / 2;
} finally {
  await shutdown(client, box);
  client.close();
}
report('exec throughput', {
  'executions/s': rate,
  concurrency,
  'bash -c true/s of this machine': limit,
  ratio: rate / limit,
});
