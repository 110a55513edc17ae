import { Agent, type IncomingMessage, request } from 'node:http';

/** The smallest HTTP/1.1 client that adds little of its own to what is measured: keep-alive, no retries. */
export interface BenchClient {
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  raw(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: AsyncIterable<Uint8Array>,
  ): Promise<IncomingMessage>;
  close(): void;
}

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: start Berth and run  eval "$(./berth env)"`);
  }
  return value;
};

export const connect = (connections: number): BenchClient => {
  const base = new URL(environment('RUNLOOP_BASE_URL'));
  const key = environment('RUNLOOP_API_KEY');
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let counter = 0;

  const raw: BenchClient['raw'] = (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          host: base.hostname,
          port: base.port,
          method,
          path,
          headers: {
            authorization: `Bearer ${key}`,
            'x-request-id': `bench-${process.pid}-${Date.now()}-${++counter}`,
            ...headers,
          },
        },
        resolve,
      );
      outgoing.on('error', reject);
      if (body === undefined) {
        outgoing.end();
        return;
      }
      const send = async (): Promise<void> => {
        for await (const chunk of body) {
          if (!outgoing.write(chunk)) {
            await new Promise((drained) => outgoing.once('drain', drained));
          }
        }
        outgoing.end();
      };
      send().catch(reject);
    });

  const json: BenchClient['json'] = async (method, path, body) => {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) };
    const incoming = await raw(method, path, headers, payload === '' ? undefined : once(payload));
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString();
    if ((incoming.statusCode ?? 0) >= 300) {
      throw new Error(`${method} ${path}: ${incoming.statusCode} ${text}`);
    }
    return JSON.parse(text);
  };

  return { json, raw, close: () => agent.destroy() };
};

async function* once(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}
