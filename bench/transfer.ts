/** 1 GiB up and down, against nginx (WebDAV PUT and GET) on loopback with the same client. Goal: ≥ 0.5 each, server and host memory flat. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from './support/client.ts';
import { createRunning, shutdown } from './support/devbox.ts';
import { nginxPeer } from './support/nginx.ts';
import { report } from './support/stats.ts';

const sizeBytes = Number(process.env.SIZE_BYTES ?? 1 << 30);
const block = Buffer.alloc(256 * 1024, 'berth');

async function* payload(head = '', tail = ''): AsyncIterable<Uint8Array> {
  if (head !== '') {
    yield Buffer.from(head);
  }
  for (let sent = 0; sent < sizeBytes; sent += block.length) {
    yield block;
  }
  if (tail !== '') {
    yield Buffer.from(tail);
  }
}

const drain = async (body: AsyncIterable<Uint8Array>): Promise<number> => {
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
  }
  return total;
};

/** Resident bytes of the server and the host, by their pid files. */
const memoryBytes = async (): Promise<number> => {
  const run = join(process.env.BERTH_STATE ?? '/var/lib/berth', 'run');
  let total = 0;
  for (const name of ['server', 'host']) {
    const pid = /\d+/.exec(await readFile(join(run, `${name}.pid`), 'utf8').catch(() => ''))?.[0] ?? '';
    const status = pid === '' ? '' : await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    total += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  }
  return total;
};

const client = connect(2);
const peer = await nginxPeer();
const box = await createRunning(client, 'LARGE');
const rate = (ms: number): number => sizeBytes / 1024 / 1024 / (ms / 1000);
try {
  const boundary = 'berth-bench-boundary';
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="path"\r\n\r\n/tmp/big\r\n--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="big"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  const before = await memoryBytes();
  let start = performance.now();
  const up = await client.raw(
    'POST',
    `/v1/devboxes/${box}/upload_file`,
    { 'content-type': `multipart/form-data; boundary=${boundary}` },
    payload(head, tail),
  );
  const answer = Buffer.concat(await Array.fromAsync(up)).toString();
  if (up.statusCode !== 200) {
    throw new Error(`upload: ${up.statusCode} ${answer}`);
  }
  const upMs = performance.now() - start;
  const peerUpMs = await peer.put(payload(), sizeBytes);

  const body = JSON.stringify({ path: '/tmp/big' });
  start = performance.now();
  const down = await client.raw(
    'POST',
    `/v1/devboxes/${box}/download_file`,
    { 'content-type': 'application/json' },
    one(body),
  );
  const received = await drain(down);
  const downMs = performance.now() - start;
  if (received !== sizeBytes) {
    throw new Error(`download: ${down.statusCode}, ${received} bytes`);
  }
  const peerDownMs = await peer.get();
  const after = await memoryBytes();
  report('upload', { 'MiB/s': rate(upMs), 'nginx MiB/s': rate(peerUpMs), ratio: peerUpMs / upMs });
  report('download', { 'MiB/s': rate(downMs), 'nginx MiB/s': rate(peerDownMs), ratio: peerDownMs / downMs });
  report('memory', { 'server + host MiB before': before / 2 ** 20, after: after / 2 ** 20 });
} finally {
  await peer.close();
  await shutdown(client, box);
  client.close();
}

async function* one(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}
