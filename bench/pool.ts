/**
 * Create → first exec result over HTTP at a steady RATE a second (RATE_GVISOR for that grade), from the pool, beside the same without a pool in the same run
 * (boxes for users that no other has). Both grades where the machine has both. No pool can be refilled faster than the machine starts boxes: for `gvisor` plain
 * `runsc run` on all processors at once says how many that are. Goals at 10/s: P50 ≤ 13 ms, P99 ≤ 60 ms.
 */
import { type BenchClient, connect } from './support/client.ts';
import { awaitRunning, execute, shutdown } from './support/devbox.ts';
import { runscRate } from './support/runsc-rate.ts';
import { report, summarize, timeMs } from './support/stats.ts';
import { unlikeUser } from './support/unlike.ts';

const rateOf = (isolation: string) =>
  Number(
    isolation === 'gvisor' ? (process.env['RATE_GVISOR'] ?? process.env['RATE'] ?? 10) : (process.env['RATE'] ?? 10),
  );
const CALM_MS = 4_000;
/** How long the steady load lasts. */
const seconds = Number(process.env['SECONDS_OF_LOAD'] ?? 20);
const rounds = Number(process.env['ROUNDS'] ?? 15);
const command = process.env['COMMAND'] ?? 'true';
const client = connect(64);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function one(isolation: string, wish: object): Promise<number> {
  let id = '';
  const tookMs = await timeMs(async () => {
    ({ id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
      launch_parameters: { resource_size_request: 'X_SMALL', isolation, ...wish },
    }));
    await awaitRunning(client, id);
    const code = await execute(client, id, command);
    if (code !== 0) {
      throw new Error(`${command} in ${id}: ${code}`);
    }
  });
  await shutdown(client, id);
  return tookMs;
}

/** Boxes at a steady rate, whatever the ones before take. */
async function steady(isolation: string, rate: number, boxes: number): Promise<number[]> {
  const took: Promise<number>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < boxes; index++) {
    await sleep(Math.max(0, startMs + (index * 1000) / rate - performance.now()));
    took.push(one(isolation, {}));
  }
  return Promise.all(took);
}

async function counters(bench: BenchClient): Promise<{ hits: number; misses: number; ready: number }> {
  const incoming = await bench.raw('GET', '/metrics', {});
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  const figure = (name: string) => Number(new RegExp(`^berth_pool\\{figure="${name}"\\} (\\d+)`, 'm').exec(text)?.[1]);
  return { hits: figure('hits'), misses: figure('misses'), ready: figure('ready') };
}

/** Waits until no more boxes come, for some seconds, into the pool. */
async function filled(): Promise<number> {
  const endMs = performance.now() + Number(process.env['FILL_MS'] ?? 60_000);
  let [most, sinceMs] = [-1, performance.now()];
  while (performance.now() < endMs && performance.now() - sinceMs < CALM_MS * 2) {
    // The server asks its host for them every five seconds at most.
    await sleep(CALM_MS / 4);
    const { ready } = await counters(client);
    if (ready > most) {
      [most, sinceMs] = [ready, performance.now()];
    }
  }
  return most;
}

async function measure(isolation: string): Promise<void> {
  const cold: number[] = [];
  for (let round = 0; round < rounds; round++) {
    cold.push(await one(isolation, unlikeUser()));
    await sleep(300);
  }
  // The pool learns the rate, and fills.
  const rate = rateOf(isolation);
  await steady(isolation, rate, rate * 10);
  const ready = await filled();
  const before = await counters(client);
  const warm = await steady(isolation, rate, rate * seconds);
  await sleep(CALM_MS * 1.5);
  const after = await counters(client);
  const [pooled, plain] = [summarize(warm), summarize(cold)];
  report(`pool, ${isolation}`, {
    'P50 ms': pooled.p50,
    'P95 ms': pooled.p95,
    'P99 ms': pooled.p99,
    'rate /s': rate,
    hits: after.hits - before.hits,
    misses: after.misses - before.misses,
    'ready before': ready,
    'no pool P50 ms': plain.p50,
    'no pool P95 ms': plain.p95,
    ratio: pooled.p50 / plain.p50,
    ...(isolation === 'gvisor' ? { 'runsc run /s, all processors': await runscRate() } : {}),
  });
}

for (const isolation of process.env['ISOLATION']?.split(',') ?? ['container', 'gvisor']) {
  try {
    await measure(isolation);
  } catch (error) {
    console.log(`pool, ${isolation}: not measured: ${error instanceof Error ? error.message : String(error)}`);
  }
}
client.close();
