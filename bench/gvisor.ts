/** Create → first exec result over HTTP of a `gvisor` box without a pool, against `runsc run` + `runsc exec` of the same layers, alternating. Goal: ≤ 1.2. */
import { connect } from './support/client.ts';
import { awaitRunning, execute, shutdown } from './support/devbox.ts';
import { runscPeer } from './support/runsc.ts';
import { report, summarize, timeMs } from './support/stats.ts';
import { unlikeUser } from './support/unlike.ts';

const rounds = Number(process.env['ROUNDS'] ?? 20);
const client = connect(2);
const peer = await runscPeer(0.5);
const [ours, runs, execs]: [number[], number[], number[]] = [[], [], []];
try {
  for (let round = -2; round < rounds; round++) {
    let id = '';
    const mine = await timeMs(async () => {
      ({ id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
        launch_parameters: { isolation: 'gvisor', resource_size_request: 'X_SMALL', ...unlikeUser() },
      }));
      await awaitRunning(client, id);
      await execute(client, id, 'true');
    });
    await shutdown(client, id);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const name = `peer${round + 2}`.padEnd(8, '0');
    await peer.prepare(name);
    const run = await timeMs(() => peer.run(name));
    const exec = await timeMs(() => peer.exec(name, ['true']));
    await peer.remove(name);
    if (round >= 0) {
      ours.push(mine);
      runs.push(run);
      execs.push(exec);
    }
  }
} finally {
  await peer.close();
  client.close();
}
const [a, b, c] = [summarize(ours), summarize(runs), summarize(execs)];
report('gvisor create to first exec', {
  'P50 ms': a.p50,
  'P95 ms': a.p95,
  'runsc run P50 ms': b.p50,
  'runsc exec P50 ms': c.p50,
  ratio: a.p50 / (b.p50 + c.p50),
});
