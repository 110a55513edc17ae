/**
 * Create → running of a box with a repository of SIZE_BYTES mounted for the second time, against `git clone --reference` of the same repository from
 * the same server on the host, alternating. Starts an installation and a git server of its own. Goal: ≤ 1.5.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGitServer } from '../packages/server/test/repositories/git-server.ts';
import { Platform } from '../test/platform/platform.ts';
import { connect } from './support/client.ts';
import { awaitRunning, createRunning, shutdown } from './support/devbox.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const sizeBytes = Number(process.env['SIZE_BYTES'] ?? 200 * 2 ** 20);
const rounds = Number(process.env['ROUNDS'] ?? 5);
const fileBytes = 100 * 1024;
const size = 'MEDIUM';

const git = await startGitServer();
const repository = git.make('bench/large');
for (const part of [1, 2, 3, 4]) {
  const count = Math.round(sizeBytes / 4 / fileBytes);
  const files = Array.from({ length: count }, (_, index) => [
    `part-${part}/${index % 50}/${index}`,
    randomBytes(fileBytes),
  ]);
  repository.commit(Object.fromEntries(files), `part ${part}`);
}
const platform = await Platform.start(undefined, { BERTH_GITHUB_URL: git.url, BERTH_GIT_PRIVATE_HOSTS: git.host });
const place = mkdtempSync(join(platform.state, 'bench-'));
process.env['RUNLOOP_BASE_URL'] = platform.address.baseUrl;
process.env['RUNLOOP_API_KEY'] = platform.address.apiKey;
const client = connect(2);
const url = `${git.url}/bench/large.git`;
/** The server is in this process: nothing here may block. */
const clone = async (...options: string[]): Promise<void> => {
  await promisify(execFile)('git', [
    'clone',
    '--quiet',
    ...options,
    url,
    join(place, options.length === 0 ? 'reference' : 'copy'),
  ]);
};

const mount = async (): Promise<void> => {
  const { id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
    mounts: [{ type: 'code_mount', repo_owner: 'bench', repo_name: 'large' }],
    launch_parameters: { resource_size_request: size },
  });
  await awaitRunning(client, id);
  boxes.push(id);
};

const boxes: string[] = [];
const [mounts, starts, clones]: [number[], number[], number[]] = [[], [], []];
let firstMs = 0;
try {
  await clone();
  firstMs = await timeMs(mount);
  for (let round = 0; round < rounds; round++) {
    mounts.push(await timeMs(mount));
    starts.push(await timeMs(async () => void boxes.push(await createRunning(client, size))));
    clones.push(await timeMs(() => clone('--reference', join(place, 'reference'))));
    rmSync(join(place, 'copy'), { recursive: true });
    await Promise.all(boxes.splice(0).map((id) => shutdown(client, id)));
  }
} finally {
  client.close();
  rmSync(place, { recursive: true, force: true });
  const left = await platform.stop();
  await git.close();
  if (left.length > 0) {
    console.error(left.join('\n'));
  }
}
const [ours, bare, theirs] = [summarize(mounts), summarize(starts), summarize(clones)];
report('code-mount', {
  'first ms': firstMs,
  'P50 ms': ours.p50,
  'start without P50 ms': bare.p50,
  'clone --reference P50 ms': theirs.p50,
  ratio: ours.p50 / theirs.p50,
});
