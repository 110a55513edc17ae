/**
 * `true` over HTTP in a running box, against `runc exec true` in a container of the same image, alternating; beside it a command that needs a
 * shell. Goal: P50 ≤ 2 ms and ≤ 1/5.
 */
import { connect } from './support/client.ts';
import { createRunning, shutdown } from './support/devbox.ts';
import { executeLoad } from './support/execute-load.ts';
import { checked } from './support/load.ts';
import { RawConnection } from './support/raw-connection.ts';
import { runcPeer } from './support/runc.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const rounds = Number(process.env.ROUNDS ?? 20);
const client = connect(1);
const peer = await runcPeer();
const box = await createRunning(client);
await peer.start('peer');
const times = { plain: [] as number[], shell: [] as number[], runc: [] as number[] };
const loads = { plain: executeLoad(box, 'true'), shell: executeLoad(box, 'true && true') };
const connection = await RawConnection.open(loads.plain.port);
let count = 0;
const one = (load: (typeof loads)['plain']): Promise<number> =>
  timeMs(() => checked(connection, { ...load, connections: 1, total: 1 }, count++));
try {
  for (let i = 0; i < 1000; i++) {
    await one(loads.plain);
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 20; i++) {
      times.plain.push(await one(loads.plain));
    }
    for (let i = 0; i < 10; i++) {
      times.shell.push(await one(loads.shell));
    }
    for (let i = 0; i < 3; i++) {
      times.runc.push(await timeMs(() => peer.exec('peer', ['true'])));
    }
  }
} finally {
  connection.close();
  await peer.remove('peer');
  await peer.close();
  await shutdown(client, box);
  client.close();
}
const plain = summarize(times.plain);
const shell = summarize(times.shell);
const runc = summarize(times.runc);
report('exec true over HTTP', {
  'P50 ms': plain.p50,
  'P99 ms': plain.p99,
  'with a shell P50 ms': shell.p50,
  'runc exec P50 ms': runc.p50,
  ratio: plain.p50 / runc.p50,
  'ratio with a shell': shell.p50 / runc.p50,
});
