import { once } from 'node:events';
import { connect } from 'node:net';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** What one run sends. `{n}` in the body becomes a number that no other request has. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
  readonly connections: number;
  readonly total: number;
}

const headEnd = Buffer.from('\r\n\r\n');

/** One keep-alive connection, one request after another, as raw as it gets. */
const drive = async (load: Load, next: () => number | undefined): Promise<void> => {
  const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (let number = next(); number !== undefined; number = next()) {
    const body = load.body.replace('{n}', String(number));
    socket.write(
      `POST ${load.path} HTTP/1.1\r\nhost: bench\r\nauthorization: ${load.authorization}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    let seen: Buffer = Buffer.alloc(0);
    for (let missing = 1; missing > 0; ) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const end = seen.indexOf(headEnd);
      if (end >= 0) {
        const head = seen.toString('latin1', 0, end);
        if (!head.startsWith('HTTP/1.1 200')) {
          throw new Error(head);
        }
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        missing = end + headEnd.length + length - seen.length;
      }
    }
  }
  socket.destroy();
};

if (parentPort !== null) {
  const load = workerData as Load;
  let sent = 0;
  const next = (): number | undefined => (sent < load.total ? sent++ : undefined);
  const began = performance.now();
  await Promise.all(Array.from({ length: load.connections }, () => drive(load, next)));
  parentPort.postMessage((load.total * 1000) / (performance.now() - began));
}

/** Runs the load in a thread of its own; answers requests per second. */
export const requestRate = async (load: Load): Promise<number> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: load });
  const [rate] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return rate;
};
