/**
 * A blueprint whose every step is in the cache, from the request to `build_complete`, against plain `buildah build` of the same Dockerfile with a warm cache of its
 * own, alternating. Once with the same text (Berth knows the recipe) and once with a comment that is new each time (the layer cache alone). Goal of the first: ≤ 1.2.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildBlueprint, deleteBlueprint } from './support/blueprint.ts';
import { connect } from './support/client.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const run = promisify(execFile);
const rounds = Number(process.env.ROUNDS ?? 10);
const dockerfile = [
  'FROM berth:base',
  'ENV A=1',
  'RUN echo one > /one',
  'RUN echo two > /two',
  'WORKDIR /srv',
  '',
].join('\n');

const images = join(process.env['BERTH_CACHE'] ?? '/var/cache/berth', 'images');
const named = (await readdir(images)).filter((name) => name.startsWith('default-') && !name.includes('.'));
const dated = await Promise.all(named.map(async (entry) => ({ entry, ms: (await stat(join(images, entry))).mtimeMs })));
const rootfs = join(images, dated.sort((first, second) => second.ms - first.ms)[0]?.entry ?? '', 'rootfs');

const work = await mkdtemp(join(tmpdir(), 'bench-build-'));
const store = ['--root', join(work, 'graph'), '--runroot', join(work, 'run')];
const buildah = (...words: readonly string[]) => run('buildah', [...store, ...words], { maxBuffer: 2 ** 26 });
const plain = () =>
  buildah('build', '--isolation', 'oci', '--runtime', 'runc', '--network', 'host', '--layers', '--pull-never', work);

/** What one leaves to be done after its answer is not to slow the next. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 1_500));

const client = connect(2);
const made: string[] = [];
const [known, layered, theirs]: [number[], number[], number[]] = [[], [], []];
try {
  const { stdout } = await buildah('from', 'scratch');
  await buildah('add', stdout.trim(), rootfs, '/');
  await buildah('commit', stdout.trim(), 'localhost/berth:base');
  await writeFile(join(work, 'Dockerfile'), dockerfile);
  await plain();
  made.push(await buildBlueprint(client, dockerfile));
  for (let round = 0; round < rounds; round++) {
    await settled();
    theirs.push(await timeMs(plain));
    await settled();
    known.push(await timeMs(async () => made.push(await buildBlueprint(client, dockerfile))));
    const fresh = `${dockerfile}# ${process.pid} ${round}\n`;
    await settled();
    layered.push(await timeMs(async () => made.push(await buildBlueprint(client, fresh))));
  }
} finally {
  for (const id of made) {
    await deleteBlueprint(client, id).catch(() => undefined);
  }
  client.close();
  await run('buildah', [...store, 'rm', '--all']).catch(() => undefined);
  await rm(work, { recursive: true, force: true });
}
const [one, two, peer] = [summarize(known), summarize(layered), summarize(theirs)];
report('cached build', {
  'same recipe P50 ms': one.p50,
  'layer cache P50 ms': two.p50,
  'buildah build P50 ms': peer.p50,
  ratio: one.p50 / peer.p50,
  'ratio, layer cache alone': two.p50 / peer.p50,
});
