/** `true` over HTTP in a running box, against `runc exec true` in a container of the same image, alternating. Goal: P50 ≤ 2 ms and ≤ 1/5. */
import { connect } from './support/client.ts';
import { createRunning, execute, shutdown } from './support/devbox.ts';
import { runcPeer } from './support/runc.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const rounds = Number(process.env.ROUNDS ?? 20);
const client = connect(1);
const peer = await runcPeer();
const box = await createRunning(client);
await peer.start('peer');
const ours: number[] = [];
const theirs: number[] = [];
try {
  for (let i = 0; i < 30; i++) {
    await execute(client, box, 'true');
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 20; i++) {
      ours.push(await timeMs(() => execute(client, box, 'true')));
    }
    for (let i = 0; i < 3; i++) {
      theirs.push(await timeMs(() => peer.exec('peer', ['true'])));
    }
  }
} finally {
  await peer.remove('peer');
  await peer.close();
  await shutdown(client, box);
  client.close();
}
const a = summarize(ours);
const b = summarize(theirs);
report('exec true over HTTP', { 'P50 ms': a.p50, 'P99 ms': a.p99, 'runc exec P50 ms': b.p50, ratio: a.p50 / b.p50 });
