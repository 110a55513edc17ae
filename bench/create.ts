/** Create → first exec result over HTTP without a pool, against `runc run` + `runc exec` of the same layers, alternating. Goal: ≤ 1.5. */
import { connect } from './support/client.ts';
import { awaitRunning, execute, shutdown } from './support/devbox.ts';
import { runcPeer } from './support/runc.ts';
import { report, summarize, timeMs } from './support/stats.ts';
import { unlikeUser } from './support/unlike.ts';

const rounds = Number(process.env.ROUNDS ?? 25);
const client = connect(2);
const peer = await runcPeer();
const ours: number[] = [];
const theirs: number[] = [];
try {
  for (let round = 0; round < rounds + 3; round++) {
    let id = '';
    const mine = await timeMs(async () => {
      ({ id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
        launch_parameters: { resource_size_request: 'X_SMALL', ...unlikeUser() },
      }));
      await awaitRunning(client, id);
      await execute(client, id, 'true');
    });
    await shutdown(client, id);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const other = await timeMs(async () => {
      await peer.start(`peer-${round}`);
      await peer.exec(`peer-${round}`, ['true']);
    });
    await peer.remove(`peer-${round}`);
    if (round >= 3) {
      ours.push(mine);
      theirs.push(other);
    }
  }
} finally {
  await peer.close();
  client.close();
}
const a = summarize(ours);
const b = summarize(theirs);
report('create to first exec', {
  'P50 ms': a.p50,
  'P95 ms': a.p95,
  'runc run + exec P50 ms': b.p50,
  ratio: a.p50 / b.p50,
});
