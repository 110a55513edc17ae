/**
 * Host memory of COUNT `gvisor` boxes that are suspended with their memory: MemAvailable with half of them asleep and with all of them, against what one of them
 * takes awake (its cgroup); before there was one too, which counts what server, host and database hold once they have had so much to do. They are forks of one
 * box, and the last that fell asleep is woken at the end. Goal: nothing, less than 0.1 MiB each; the last word says whether that is met, or that others used the
 * machine's memory too much to tell. Each takes the bytes of its memory on the disk. Boxes of a pool come and go meanwhile: run it with `BERTH_POOL=off`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { connect } from './support/client.ts';
import { awaitRunning, awaitStatus, execute, shutdown } from './support/devbox.ts';
import { createHolding } from './support/holding.ts';
import { report } from './support/stats.ts';

const count = Number(process.env['COUNT'] ?? 500);
const atOnce = Number(process.env['PARALLEL'] ?? 4);
const memoryBytes = Number(process.env['MEMORY_BYTES'] ?? 8 * 2 ** 20);
const half = Math.floor(count / 2);
const rest = count - half;
const GOAL_MIB = 0.1;
const LOOKS = 6;
const FEWEST_LOOKS = 20;
const MOST_LOOKS = 90;
/** Of what would be told apart, that it may move by itself. */
const QUIET_SHARE = 0.25;
const LOOK_MS = 1_000;
const client = connect(8);

/** Of the machine, in MiB: the middle of the last looks, and how far they are apart; as soon as that is little. What was freed comes back over half a minute. */
async function available(): Promise<{ readonly mib: number; readonly spread: number }> {
  const looks: number[] = [];
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    looks.push(Number(/MemAvailable:\s+(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1_024);
    const settled = looks.slice(-LOOKS).sort((one, other) => one - other);
    const [least = 0, most = 0] = [settled[0], settled.at(-1)];
    const spread = most - least;
    if (looks.length >= MOST_LOOKS || (looks.length >= FEWEST_LOOKS && spread < GOAL_MIB * QUIET_SHARE * rest)) {
      return { mib: settled[settled.length >> 1] ?? 0, spread };
    }
  }
}

/** What the cgroup of a box holds, in MiB; 0 when there is none. */
async function cgroupMib(id: string): Promise<number> {
  for (const root of ['/sys/fs/cgroup/memory', '/sys/fs/cgroup']) {
    const parents = (await readdir(root).catch(() => [])).filter((name) => name.startsWith('berth-'));
    for (const parent of parents) {
      for (const file of ['memory.usage_in_bytes', 'memory.current']) {
        const bytes = await readFile(`${root}/${parent}/${id}/${file}`, 'utf8').catch(() => undefined);
        if (bytes !== undefined) {
          return Number(bytes) / 2 ** 20;
        }
      }
    }
  }
  return 0;
}

function verdict(each: number, spread: number): string {
  if (spread > GOAL_MIB * QUIET_SHARE * rest) {
    return `not to be told: MemAvailable moved by ${spread.toFixed(0)} MiB by itself, run it on a quiet machine or with more boxes`;
  }
  return each < GOAL_MIB ? 'met' : 'NOT MET';
}

const ids: string[] = [];
const source = await createHolding(client, memoryBytes);
try {
  const awakeMib = await cgroupMib(source);
  const before = await available();
  const begunMs = performance.now();
  let middle = before;
  while (ids.length < count) {
    if (ids.length === half) {
      middle = await available();
    }
    const next = ids.length < half ? half : count;
    const wish = { count: Math.min(atOnce, next - ids.length), memory: true };
    const { devboxes } = await client.json<{ devboxes: Array<{ id: string }> }>(
      'POST',
      `/v1/devboxes/${source}/fork`,
      wish,
    );
    ids.push(...devboxes.map((box) => box.id));
    await Promise.all(
      devboxes.map(async ({ id }) => {
        await awaitRunning(client, id);
        await client.json('POST', `/v1/devboxes/${id}/suspend`, { memory: true });
        await awaitStatus(client, id, 'suspended');
      }),
    );
  }
  const asleepS = (performance.now() - begunMs) / 1_000;
  const after = await available();
  const each = (middle.mib - after.mib) / rest;
  const cgroups = await Promise.all(ids.map(cgroupMib));
  const last = ids.at(-1) ?? '';
  await client.json('POST', `/v1/devboxes/${last}/resume`, {});
  await awaitRunning(client, last);
  const woken = await execute(client, last, 'test -e /tmp/held && pgrep -f urandom');
  report('suspended boxes', {
    count,
    'asleep after s': asleepS,
    'MiB since there was none': before.mib - after.mib,
    'MiB each of the second half': each,
    'cgroups of them MiB': cgroups.reduce((sum, mib) => sum + mib, 0),
    'one awake MiB': awakeMib,
    ratio: each / awakeMib,
    'the last one woke': woken === 0 ? 'yes' : 'no',
    verdict: verdict(each, Math.max(middle.spread, after.spread)),
  });
} finally {
  await Promise.all([source, ...ids].map((id) => shutdown(client, id)));
  client.close();
}
