/**
 * Disk snapshot over HTTP of a box that has written SIZE_BYTES, against `cp -a --reflink=always` of the same tree on the same volume, alternating.
 * Goal: ≤ 300 ms. Runs on the machine of the boxes, as root, with BERTH_STATE.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from './support/client.ts';
import { createRunning, execute, shutdown } from './support/devbox.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const sizeBytes = Number(process.env['SIZE_BYTES'] ?? 2 ** 30);
const rounds = Number(process.env['ROUNDS'] ?? 10);
const files = Math.max(1, Math.round(sizeBytes / 2 ** 20));
const volume = join(process.env['BERTH_STATE'] ?? '/var/lib/berth', 'volume');
const marker = `bench-${process.pid}`;
const copy = join(volume, marker);
const client = connect(4);
const id = await createRunning(client);
const [snapshots, copies]: [number[], number[]] = [[], []];
try {
  const fill = `mkdir -p ~/${marker} && cd ~/${marker} && for n in $(seq ${files}); do head -c 1M /dev/urandom > $n; done && sync -f .`;
  if ((await execute(client, id, fill)) !== 0) {
    throw new Error('the box could not be filled');
  }
  const upper = readdirSync(join(volume, 'boxes'))
    .map((place) => join(volume, 'boxes', place, 'upper'))
    .find((path) => existsSync(join(path, 'home/user', marker)));
  if (upper === undefined) {
    throw new Error(`no box below ${volume} has the files: is BERTH_STATE that of this Berth?`);
  }
  for (let round = 0; round < rounds; round++) {
    // Something new each time, as an agent would have written.
    await execute(client, id, `head -c 1M /dev/urandom > ~/${marker}/new`);
    let snapshotId = '';
    snapshots.push(
      await timeMs(async () => {
        ({ id: snapshotId } = await client.json<{ id: string }>('POST', `/v1/devboxes/${id}/snapshot_disk`, {}));
      }),
    );
    await client.json('POST', `/v1/devboxes/disk_snapshots/${snapshotId}/delete`, {});
    copies.push(await timeMs(async () => execFileSync('cp', ['-a', '--reflink=always', upper, copy])));
    await rm(copy, { recursive: true, force: true });
  }
} finally {
  await shutdown(client, id);
  client.close();
}
const [ours, theirs] = [summarize(snapshots), summarize(copies)];
report('snapshot', {
  files,
  'P50 ms': ours.p50,
  'P95 ms': ours.p95,
  'cp --reflink P50 ms': theirs.p50,
  ratio: ours.p50 / theirs.p50,
});
