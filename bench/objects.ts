/**
 * An object of 1 GiB up and down, against nginx (WebDAV PUT and GET) on loopback with the same client and on the same disk, by turns. An object is on
 * the disk when its upload is answered; nginx does not wait for that, so its file is compared both ways. Goal: ≥ 0.5 each, memory flat.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { connect } from './support/client.ts';
import { nginxPeer } from './support/nginx.ts';
import { drain, payload } from './support/payload.ts';
import { memoryOf } from './support/process-memory.ts';
import { report, summarize } from './support/stats.ts';

const sizeBytes = Number(process.env.SIZE_BYTES ?? 1 << 30);
const rounds = Number(process.env.ROUNDS ?? 5);

const client = connect(2);
const directory = await mkdtemp(join(process.env.BERTH_STATE ?? '/var/lib/berth', 'bench-objects-'));
const peer = await nginxPeer(directory);

interface View {
  readonly id: string;
  readonly upload_url: string;
}

const put = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT', headers: { 'content-length': sizeBytes } }, (answer) => {
      drain(answer).then(
        () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))),
        reject,
      );
    });
    outgoing.on('error', reject);
    const send = async (): Promise<void> => {
      for await (const chunk of payload(sizeBytes)) {
        if (!outgoing.write(chunk)) {
          await new Promise((drained) => outgoing.once('drain', drained));
        }
      }
      outgoing.end();
    };
    send().catch(reject);
  });

const get = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    request(url, (answer) => {
      drain(answer).then((bytes) => (bytes === sizeBytes ? resolve() : reject(new Error(`${bytes} bytes`))), reject);
    })
      .on('error', reject)
      .end();
  });

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await act();
  return performance.now() - start;
};

const round = async () => {
  const object = await client.json<View>('POST', '/v1/objects', { name: 'bench', content_type: 'binary' });
  const up = await timed(() => put(object.upload_url));
  const peerUp = await peer.put(payload(sizeBytes), sizeBytes);
  const peerSynced = await peer.put(payload(sizeBytes), sizeBytes, { sync: true });
  await client.json('POST', `/v1/objects/${object.id}/complete`);
  const { download_url: url } = await client.json<{ download_url: string }>('GET', `/v1/objects/${object.id}/download`);
  const down = await timed(() => get(url));
  const peerDown = await peer.get();
  await client.json('POST', `/v1/objects/${object.id}/delete`);
  return { up, peerUp, peerSynced, down, peerDown };
};

try {
  const memory = await memoryOf('server');
  await memory.mark();
  const times: Array<Awaited<ReturnType<typeof round>>> = [];
  for (let count = 0; count < rounds; count += 1) {
    times.push(await round());
  }
  const median = (of: keyof (typeof times)[number]): number => summarize(times.map((time) => time[of])).p50;
  const rate = (of: keyof (typeof times)[number]): number => sizeBytes / 2 ** 20 / (median(of) / 1000);
  report('object upload', {
    'MiB/s': rate('up'),
    'nginx MiB/s': rate('peerUp'),
    ratio: median('peerUp') / median('up'),
    'nginx on disk MiB/s': rate('peerSynced'),
    'ratio on disk': median('peerSynced') / median('up'),
  });
  report('object download', {
    'MiB/s': rate('down'),
    'nginx MiB/s': rate('peerDown'),
    ratio: median('peerDown') / median('down'),
  });
  report('peak growth of resident memory', { 'server MiB': (await memory.growthBytes()) / 2 ** 20 });
} finally {
  await peer.close();
  await rm(directory, { recursive: true, force: true });
  client.close();
}
