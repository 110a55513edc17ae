/** 100 creates at once: all answered and running; wall time ÷ (100 × one create). */
import { connect } from './support/client.ts';
import { awaitRunning, createRunning, execute, shutdown } from './support/devbox.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const count = Number(process.env.COUNT ?? 100);
const client = connect(count + 8);
const singles: number[] = [];
for (let i = 0; i < 5; i++) {
  let id = '';
  singles.push(
    await timeMs(async () => {
      id = await createRunning(client);
    }),
  );
  await shutdown(client, id);
}
const ids: string[] = [];
const each: number[] = [];
const wall = await timeMs(() =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const start = performance.now();
      const { id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
        launch_parameters: { resource_size_request: 'X_SMALL' },
      });
      ids.push(id);
      await awaitRunning(client, id);
      each.push(performance.now() - start);
    }),
  ),
);
const answered = (await Promise.all(ids.map((id) => execute(client, id, 'true')))).filter((code) => code === 0).length;
await Promise.all(ids.map((id) => shutdown(client, id)));
client.close();
const one = summarize(singles).p50;
const spread = summarize(each);
report('burst', {
  count,
  answered,
  'wall ms': wall,
  'P50 ms': spread.p50,
  'P99 ms': spread.p99,
  'one create ms': one,
  ratio: wall / (count * one),
});
