/**
 * COUNT live forks of one `gvisor` box that holds MEMORY_BYTES, over HTTP, against as many times one create of such a box without a pool; and how long the
 * source stood still for it, as a program in it saw. Goal: ≤ 0.5. No fork is quicker than the restore in it: plain runsc on all processors says what those alone
 * take. Runs on the machine of the boxes, as root, with BERTH_STATE.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchClient, connect } from './support/client.ts';
import { awaitRunning, execute, shutdown } from './support/devbox.ts';
import { createHolding } from './support/holding.ts';
import { runscRestoresMs } from './support/runsc-restores.ts';
import { report, summarize, timeMs } from './support/stats.ts';
import { unlikeUser } from './support/unlike.ts';

const count = Number(process.env['COUNT'] ?? 16);
const rounds = Number(process.env['ROUNDS'] ?? 3);
const memoryBytes = Number(process.env['MEMORY_BYTES'] ?? 32 * 2 ** 20);
const client = connect(4);
const CREATES_A_ROUND = 4;
/** What has been shut down before is gone by then. */
const CALM_MS = 500;

/** Whether the program that measures goes on in the forks: as many more of them, each awake every few milliseconds, while the rest of the forks start. */
const goesOn = process.env['METER_IN_FORKS'] === '1';

/** Writes the longest time, in milliseconds, that it was not let run. */
const METER = `
import os, time
here, last, longest = os.uname().nodename, time.monotonic(), 0
while ${goesOn ? 'True' : 'os.uname().nodename == here'}:
    time.sleep(0.005)
    now = time.monotonic()
    if now - last > longest:
        longest = now - last
        with open('/tmp/longest.new', 'w') as file:
            file.write(str(longest * 1000))
        os.rename('/tmp/longest.new', '/tmp/longest')
    last = now
    if os.path.exists('/tmp/again'):
        os.remove('/tmp/again')
        longest = 0
`;

const source = await createHolding(client, memoryBytes);
const [creates, forks, pauses]: [number[], number[], number[]] = [[], [], []];
try {
  await client.json('POST', `/v1/devboxes/${source}/execute_async`, { command: `python3 -c "${METER}"` });
  for (let round = 0; round < rounds; round++) {
    for (let create = 0; create < CREATES_A_ROUND; create++) {
      await sleep(CALM_MS);
      creates.push(await timeMs(() => createAndEnd(client)));
    }
    await execute(client, source, 'sleep 0.5; touch /tmp/again; sleep 0.5');
    let ids: string[] = [];
    forks.push(
      await timeMs(async () => {
        ids = await fork(client, source);
        await Promise.all(ids.map((id) => awaitRunning(client, id)));
      }),
    );
    pauses.push(await longestPauseMs(client, source));
    await Promise.all(ids.map((id) => shutdown(client, id)));
  }
} finally {
  await shutdown(client, source);
  client.close();
}
const [create, all] = [summarize(creates).p50, summarize(forks).p50];
const restores = await runscRestoresMs(count, memoryBytes);
report(`${count} forks with memory`, {
  'P50 ms': all,
  'one create ms': create,
  'source stood still P50 ms': summarize(pauses).p50,
  ratio: all / (count * create),
  'as many runsc restore ms, all processors': restores,
  'ratio of that': restores / (count * create),
});

async function createAndEnd(api: BenchClient): Promise<void> {
  const { id } = await api.json<{ id: string }>('POST', '/v1/devboxes', {
    launch_parameters: { isolation: 'gvisor', resource_size_request: 'SMALL', ...unlikeUser() },
  });
  await awaitRunning(api, id);
  await shutdown(api, id);
}

async function fork(api: BenchClient, id: string): Promise<string[]> {
  const wish = { count, memory: true };
  const { devboxes } = await api.json<{ devboxes: Array<{ id: string }> }>('POST', `/v1/devboxes/${id}/fork`, wish);
  return devboxes.map((box) => box.id);
}

async function longestPauseMs(api: BenchClient, id: string): Promise<number> {
  const { stdout } = await api.json<{ stdout: string }>('POST', `/v1/devboxes/${id}/execute`, {
    command: 'cat /tmp/longest',
    command_id: `bench-${process.pid}-${Date.now()}`,
    optimistic_timeout: 25,
  });
  return Number(stdout);
}
