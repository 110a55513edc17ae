/**
 * 1 GiB up and down, against nginx (WebDAV PUT and GET) on loopback with the same client and on the same volume, by turns. Goal: ≥ 0.5 each, server
 * and host memory flat.
 */
import type { IncomingMessage } from 'node:http';
import { connect } from './support/client.ts';
import { createRunning, shutdown } from './support/devbox.ts';
import { nginxPeer } from './support/nginx.ts';
import { memoryOf } from './support/process-memory.ts';
import { report, summarize } from './support/stats.ts';

const sizeBytes = Number(process.env.SIZE_BYTES ?? 1 << 30);
const rounds = Number(process.env.ROUNDS ?? 5);
const block = Buffer.alloc(256 * 1024, 'berth');

async function* payload(before = '', after = ''): AsyncIterable<Uint8Array> {
  if (before !== '') {
    yield Buffer.from(before);
  }
  for (let sent = 0; sent < sizeBytes; sent += block.length) {
    yield block;
  }
  if (after !== '') {
    yield Buffer.from(after);
  }
}

const drain = (body: IncomingMessage): Promise<number> =>
  new Promise((resolve, reject) => {
    let total = 0;
    body.on('data', (chunk: Buffer) => {
      total += chunk.length;
    });
    body.on('end', () => resolve(total));
    body.on('error', reject);
  });

const client = connect(2);
const peer = await nginxPeer();
const box = await createRunning(client, 'LARGE');
const boundary = 'berth-bench-boundary';
const head = `--${boundary}\r\ncontent-disposition: form-data; name="path"\r\n\r\n/tmp/big\r\n--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="big"\r\ncontent-type: application/octet-stream\r\n\r\n`;
const tail = `\r\n--${boundary}--\r\n`;

const upload = async (): Promise<number> => {
  const start = performance.now();
  const headers = {
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': String(head.length + sizeBytes + tail.length),
  };
  const answer = await client.raw('POST', `/v1/devboxes/${box}/upload_file`, headers, payload(head, tail));
  await drain(answer);
  if (answer.statusCode !== 200) {
    throw new Error(`upload: ${answer.statusCode}`);
  }
  return performance.now() - start;
};

const download = async (): Promise<number> => {
  const start = performance.now();
  const headers = { 'content-type': 'application/json' };
  const answer = await client.raw(
    'POST',
    `/v1/devboxes/${box}/download_file`,
    headers,
    one(JSON.stringify({ path: '/tmp/big' })),
  );
  const received = await drain(answer);
  if (received !== sizeBytes) {
    throw new Error(`download: ${answer.statusCode}, ${received} bytes`);
  }
  return performance.now() - start;
};

async function* one(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

const times = { up: [] as number[], peerUp: [] as number[], down: [] as number[], peerDown: [] as number[] };
const median = (values: readonly number[]): number => summarize(values).p50;
const rate = (values: readonly number[]): number => sizeBytes / 2 ** 20 / (median(values) / 1000);
try {
  const memory = { server: await memoryOf('server'), host: await memoryOf('host') };
  await memory.server.mark();
  await memory.host.mark();
  for (let round = 0; round < rounds; round += 1) {
    times.up.push(await upload());
    times.peerUp.push(await peer.put(payload(), sizeBytes));
    times.down.push(await download());
    times.peerDown.push(await peer.get());
  }
  const { up, peerUp, down, peerDown } = times;
  report('upload', { 'MiB/s': rate(up), 'nginx MiB/s': rate(peerUp), ratio: median(peerUp) / median(up) });
  report('download', { 'MiB/s': rate(down), 'nginx MiB/s': rate(peerDown), ratio: median(peerDown) / median(down) });
  report('peak growth of resident memory', {
    'server MiB': (await memory.server.growthBytes()) / 2 ** 20,
    'host MiB': (await memory.host.growthBytes()) / 2 ** 20,
  });
} finally {
  await peer.close();
  await shutdown(client, box);
  client.close();
}
