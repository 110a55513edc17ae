import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { RawConnection } from './raw-connection.ts';

/** What one run sends. `{n}` in the body becomes a number that no other request has. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
  readonly connections: number;
  readonly total: number;
  /** Members that the JSON of every answer must have, with these values. */
  readonly expect: Readonly<Record<string, unknown>>;
}

/** Sends one request. Throws when the answer is not as expected. */
export const checked = async (connection: RawConnection, load: Load, number: number): Promise<void> => {
  const head = `host: bench\r\nauthorization: ${load.authorization}\r\n`;
  const answer = await connection.post(load.path, head, load.body.replace('{n}', String(number)));
  const view: Record<string, unknown> = answer.status === 200 ? JSON.parse(answer.body) : {};
  if (answer.status !== 200 || Object.entries(load.expect).some(([name, value]) => view[name] !== value)) {
    throw new Error(`unexpected answer: ${answer.status} ${answer.body}`);
  }
};

const drive = async (load: Load, next: () => number | undefined): Promise<void> => {
  const connection = await RawConnection.open(load.port);
  for (let number = next(); number !== undefined; number = next()) {
    await checked(connection, load, number);
  }
  connection.close();
};

if (parentPort !== null) {
  const load = workerData as Load;
  let sent = 0;
  const next = (): number | undefined => (sent < load.total ? sent++ : undefined);
  const began = performance.now();
  await Promise.all(Array.from({ length: load.connections }, () => drive(load, next)));
  parentPort.postMessage((load.total * 1000) / (performance.now() - began));
}

/** Runs the load in a thread of its own; answers requests per second. Rejects when an answer is not as expected. */
export const requestRate = async (load: Load): Promise<number> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: load });
  const [rate] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return rate;
};
