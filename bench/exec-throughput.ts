/**
 * Executions a second at concurrency 32, of a plain command and of one that needs a shell, against the rate at which this machine starts
 * `bash -c true` and the plain program at all, two at a time. Goal: 1,500/s.
 */
import { spawn } from 'node:child_process';
import { connect } from './support/client.ts';
import { createRunning, shutdown } from './support/devbox.ts';
import { executeLoad } from './support/execute-load.ts';
import { requestRate } from './support/load.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const connections = Number(process.env.CONCURRENCY ?? 32);
const total = Number(process.env.TOTAL ?? 4000);
const rounds = Number(process.env.ROUNDS ?? 3);
const plain = 'true';
const shell = 'true && true';

/** The limit: what two loops of a small shell start in a second. */
const spawnRate = async (command: string): Promise<number> => {
  const each = 500;
  const loop = `for i in $(seq ${each}); do ${command}; done`;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      spawn('/bin/dash', ['-c', loop], { stdio: 'ignore' })
        .on('exit', () => resolve())
        .on('error', reject);
    });
  const ms = await timeMs(() => Promise.all([one(), one()]));
  return (2 * each * 1000) / ms;
};

const client = connect(1);
const box = await createRunning(client, 'MEDIUM');
const rates = { plain: [] as number[], shell: [] as number[], bash: [] as number[], program: [] as number[] };
const measure = (command: string, count: number): Promise<number> =>
  requestRate({ ...executeLoad(box, command), connections, total: count });
try {
  await measure(plain, total);
  await measure(shell, total / 4);
  for (let round = 0; round < rounds; round++) {
    rates.bash.push(await spawnRate('/bin/bash -c true'));
    rates.plain.push(await measure(plain, total));
    rates.program.push(await spawnRate('/bin/true'));
    rates.shell.push(await measure(shell, total / 2));
  }
} finally {
  await shutdown(client, box);
  client.close();
}
const median = (samples: readonly number[]): number => summarize(samples).p50;
const bash = median(rates.bash);
report('exec throughput', {
  'executions/s': median(rates.plain),
  concurrency: connections,
  'with a shell/s': median(rates.shell),
  'bash -c true/s of this machine': bash,
  '/bin/true/s of this machine': median(rates.program),
  ratio: median(rates.plain) / bash,
  'ratio with a shell': median(rates.shell) / bash,
});
