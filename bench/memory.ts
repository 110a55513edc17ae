/**
 * Suspend, resume and fork with memory over HTTP of a `gvisor` box that holds MEMORY_BYTES, against what plain runsc takes for the same: pause and checkpoint,
 * restore, and all of these, alternating. Goal: each ≤ 1.3. What Berth keeps survives a power loss, so it is compared to the same with a sync too. Runs on the machine of the boxes, as root, with BERTH_STATE.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchClient, connect } from './support/client.ts';
import { awaitRunning, awaitStatus, shutdown } from './support/devbox.ts';
import { createHolding } from './support/holding.ts';
import { hold, runscPeer } from './support/runsc.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const rounds = Number(process.env['ROUNDS'] ?? 12);
const memoryBytes = Number(process.env['MEMORY_BYTES'] ?? 32 * 2 ** 20);
const client = connect(4);
const peer = await runscPeer(1, join(process.env['BERTH_STATE'] ?? '/var/lib/berth', 'volume'));
const CALM_MS = 200;
const samples = new Map<string, number[]>();
const note = (name: string, value: number) => samples.set(name, [...(samples.get(name) ?? []), value]);

const id = await createHolding(client, memoryBytes);
try {
  await peer.prepare('peer0000');
  await peer.run('peer0000');
  await hold(peer, 'peer0000', memoryBytes);
  for (let round = 0; round < rounds; round++) {
    await measureOurs(client, id);
    await measureRunsc(`peer${1000 + round}`);
  }
} finally {
  await peer.remove('peer0000');
  await shutdown(client, id);
  await peer.close();
  client.close();
}

async function measureOurs(api: BenchClient, box: string): Promise<void> {
  const suspend = await timeMs(async () => {
    await api.json('POST', `/v1/devboxes/${box}/suspend`, { memory: true });
    await awaitStatus(api, box, 'suspended');
  });
  // The end of the processes that stand still is no part of either.
  await sleep(CALM_MS);
  const resume = await timeMs(async () => {
    await api.json('POST', `/v1/devboxes/${box}/resume`, {});
    await awaitRunning(api, box);
  });
  let fork = '';
  const forked = await timeMs(async () => {
    const answer = await api.json<{ devboxes: Array<{ id: string }> }>('POST', `/v1/devboxes/${box}/fork`, {
      count: 1,
      memory: true,
    });
    fork = answer.devboxes[0]?.id ?? '';
    await awaitRunning(api, fork);
  });
  await shutdown(api, fork);
  note('suspend', suspend);
  note('resume', resume);
  note('fork', forked);
}

async function measureRunsc(name: string): Promise<void> {
  const image = join(peer.images, name);
  await peer.prepare(name);
  const pause = await timeMs(() => peer.pause('peer0000'));
  const checkpoint = await timeMs(() => peer.checkpoint('peer0000', image));
  const sync = await timeMs(() => peer.sync(image));
  const unpause = await timeMs(() => peer.unpause('peer0000'));
  const restore = await timeMs(() => peer.restore(name, image));
  await peer.remove(name);
  note('runsc pause', pause);
  note('runsc checkpoint', checkpoint);
  note('runsc pause + checkpoint', pause + checkpoint);
  note('runsc restore', restore);
  note('the same, synced', pause + checkpoint + sync);
  note('runsc all', pause + checkpoint + unpause + restore);
  note('all, synced', pause + checkpoint + sync + unpause + restore);
}

const p50 = (name: string) => summarize(samples.get(name) ?? []).p50;
for (const [name, raw, durable] of [
  ['suspend', 'runsc pause + checkpoint', 'the same, synced'],
  ['resume', 'runsc restore', 'runsc restore'],
  ['fork', 'runsc all', 'all, synced'],
] as const) {
  report(`${name} with memory`, {
    'P50 ms': p50(name),
    'P95 ms': summarize(samples.get(name) ?? []).p95,
    [`${raw} P50 ms`]: p50(raw),
    ratio: p50(name) / p50(raw),
    ...(durable === raw ? {} : { [`${durable} P50 ms`]: p50(durable), 'ratio to that': p50(name) / p50(durable) }),
  });
}
