/**
 * Create → first exec of boxes on an image of 3 GiB (a few large files, many small ones) against the default image, alternating, no pool. Goal: ≤ 1.2. Then what
 * is fetched from the disk when BOXES boxes read one file of the image, one after another: with one page cache for all, what the first one fetches.
 */
import { buildBlueprint, deleteBlueprint } from './support/blueprint.ts';
import { connect } from './support/client.ts';
import { awaitRunning, execute, shutdown } from './support/devbox.ts';
import { report, summarize, timeMs } from './support/stats.ts';
import { unlikeUser } from './support/unlike.ts';

const rounds = Number(process.env.ROUNDS ?? 15);
const boxes = Number(process.env['BOXES'] ?? 50);
const MIB = 2 ** 20;
const readMib = 256;
const dockerfile = [
  'FROM berth:base',
  `RUN mkdir /large && for i in $(seq 1 11); do dd if=/dev/urandom of=/large/$i bs=1M count=${readMib} status=none; done`,
  'RUN mkdir /small && cd /small && seq 1 20000 | split -l 1 -a 4 && ls | wc -l',
].join('\n');

const client = connect(4);
const running: string[] = [];
async function boot(blueprint: string | undefined): Promise<string> {
  const { id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
    ...(blueprint === undefined ? {} : { blueprint_id: blueprint }),
    launch_parameters: { resource_size_request: 'X_SMALL', keep_alive_time_seconds: 3600, ...unlikeUser() },
  });
  running.push(id);
  await awaitRunning(client, id);
  await execute(client, id, 'true');
  return id;
}
async function end(id: string): Promise<void> {
  await shutdown(client, id);
  running.splice(running.indexOf(id), 1);
}

async function fetchedBytes(id: string, command: string): Promise<number> {
  const { stdout } = await client.json<{ stdout: string }>('POST', `/v1/devboxes/${id}/execute`, {
    command,
    command_id: `bench-${process.pid}-${Date.now()}-${Math.random()}`,
    optimistic_timeout: 25,
  });
  return Number(stdout.trim());
}

let image: string | undefined;
try {
  image = await buildBlueprint(client, dockerfile);
  const built = image;
  const [large, usual]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds + 2; round++) {
    for (const [samples, blueprint] of [
      [large, built],
      [usual, undefined],
    ] as const) {
      let id = '';
      const ms = await timeMs(async () => {
        id = await boot(blueprint);
      });
      if (round >= 2) {
        samples.push(ms);
      }
      await end(id);
    }
  }
  const [a, b] = [summarize(large), summarize(usual)];
  report('boot of a 3 GiB image', { 'P50 ms': a.p50, 'P95 ms': a.p95, 'default P50 ms': b.p50, ratio: a.p50 / b.p50 });

  const ids: string[] = [];
  for (let count = 0; count < boxes; count++) {
    ids.push(await boot(built));
  }
  // What the kernel fetched from the disk for it; the first one makes sure that nothing was in memory.
  const read =
    'cat /large/3 > /dev/null; while read -r name bytes; do [ "$name" != read_bytes: ] || echo "$bytes"; done < /proc/$$/io';
  const forget = 'dd if=/large/3 of=/dev/null iflag=nocache count=0 status=none; ';
  const one = await fetchedBytes(ids[0] ?? '', forget + read);
  let others = 0;
  for (const id of ids.slice(1)) {
    others += await fetchedBytes(id, read);
  }
  report('page cache of one file', {
    'file MiB': readMib,
    'fetched by the first box MiB': one / MIB,
    [`fetched by ${boxes - 1} others MiB`]: others / MIB,
    'share of what copies would fetch': (one + others) / (boxes * readMib * MIB),
  });
} finally {
  for (const id of [...running]) {
    await end(id).catch(() => undefined);
  }
  if (image !== undefined) {
    await deleteBlueprint(client, image).catch(() => undefined);
  }
  client.close();
}
