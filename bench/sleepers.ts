/**
 * Host memory of COUNT `gvisor` boxes that are suspended with their memory: MemAvailable before there was one and with all of them asleep. They are forks of one
 * box, and the last that fell asleep is woken at the end. Goal: nothing, less than 0.1 MiB each. Each takes the bytes of its memory on the disk.
 */
import { readFile } from 'node:fs/promises';
import { connect } from './support/client.ts';
import { awaitRunning, awaitStatus, execute, shutdown } from './support/devbox.ts';
import { createHolding } from './support/holding.ts';
import { report } from './support/stats.ts';

const count = Number(process.env['COUNT'] ?? 500);
const atOnce = Number(process.env['PARALLEL'] ?? 4);
const memoryBytes = Number(process.env['MEMORY_BYTES'] ?? 8 * 2 ** 20);
const SETTLE_MS = 5_000;
const client = connect(8);

async function availableMib(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return Number(/MemAvailable:\s+(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1_024;
}

const ids: string[] = [];
const source = await createHolding(client, memoryBytes);
try {
  const before = await availableMib();
  while (ids.length < count) {
    const wish = { count: Math.min(atOnce, count - ids.length), memory: true };
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
  const used = before - (await availableMib());
  const last = ids.at(-1) ?? '';
  await client.json('POST', `/v1/devboxes/${last}/resume`, {});
  await awaitRunning(client, last);
  const woken = await execute(client, last, 'test -e /tmp/held && pgrep -f urandom');
  report('suspended boxes', {
    count,
    'MiB each': used / count,
    'MiB in all': used,
    'the last one woke': woken === 0 ? 'yes' : 'no',
  });
} finally {
  await Promise.all([source, ...ids].map((id) => shutdown(client, id)));
  client.close();
}
