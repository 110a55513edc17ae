import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ApiClient } from '../src/http/client.ts';

/** One request as the API saw it, with its body unparsed. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** A client and the HTTP server behind it, which may answer with a stream, in its own time, or never. */
export interface StreamingApi extends AsyncDisposable {
  readonly client: ApiClient;
  readonly calls: readonly Call[];
}

export const streamingApi = async (answer: (call: Call, response: ServerResponse) => void): Promise<StreamingApi> => {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://api');
    response.on('error', () => undefined);
    text(request).then(
      (body) => {
        const call = { method: request.method ?? '', path: pathname, body };
        calls.push(call);
        answer(call, response);
      },
      // The sender has broken its request off.
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    client: new ApiClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: 'ak_test' }),
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** The frame of one server-sent event. */
export const frame = (data: unknown, event?: string): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
