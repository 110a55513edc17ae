import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { ApiClient } from '../src/http/client.ts';

/** One request as the API saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the API answers: a status and a JSON body. */
export type Answer = readonly [status: number, body: unknown];

/** A client and the HTTP server behind it, whose answers a test writes. */
export interface ScriptedApi extends AsyncDisposable {
  readonly client: ApiClient;
  readonly seen: readonly Seen[];
}

export const scriptedApi = async (answer: (request: Seen) => Answer): Promise<ScriptedApi> => {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readRequest(request).then((whole) => {
      seen.push(whole);
      const [status, body] = answer(whole);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    client: new ApiClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: 'ak_test' }),
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const readRequest = async (request: IncomingMessage): Promise<Seen> => {
  const url = new URL(request.url ?? '/', 'http://api');
  const hasBody = request.headers['content-type'] === 'application/json';
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    body: hasBody ? await json(request) : undefined,
  };
};
