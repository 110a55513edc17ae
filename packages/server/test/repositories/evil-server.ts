import { createReadStream, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A server on loopback that answers as a test says, and notes what it was asked. */
export interface EvilServer {
  readonly url: string;
  /** `host:port`, for the setting that opens it. */
  readonly host: string;
  /** Path of each request, and whether a credential came along. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export const startEvilServer = async (answer: RequestListener): Promise<EvilServer> => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url}${request.headers.authorization === undefined ? '' : ' with credential'}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Serves the files of a directory as they are: what git takes for a remote of the old kind, which it walks object by object. */
export const filesOf =
  (root: string, others: Readonly<Record<string, string>> = {}): RequestListener =>
  (request, response) => {
    const path = new URL(request.url ?? '/', 'http://evil').pathname;
    const [, other] = Object.entries(others).find(([end]) => path.endsWith(end)) ?? [];
    const file = join(root, path);
    if (other !== undefined) {
      response.end(other);
    } else if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) {
      createReadStream(file).pipe(response);
    } else {
      response.writeHead(404).end();
    }
  };
