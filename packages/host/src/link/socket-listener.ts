import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { HostError } from '../contract/index.ts';

/** Longest path that fits into a Unix socket address. */
const maxPathBytes = 107;

export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Listens on a Unix socket that only its owner may dial, in place of whatever stood at the path. Nothing is read before the connection is taken over.
 * @throws HostError `internal` when the path is too long or cannot be bound.
 */
export const listenOn = async (
  path: string,
  owner: SocketOwner | undefined,
  accept: (socket: Socket) => void,
): Promise<Server> => {
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new HostError('internal', `socket path longer than ${maxPathBytes} bytes: ${path}`);
  }
  rmSync(path, { force: true });
  const server = createServer({ pauseOnConnect: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new HostError('internal', `cannot listen on ${path}`, { cause })));
    server.listen(path, resolve);
  });
  server.on('error', () => undefined);
  chmodSync(path, 0o600);
  if (owner !== undefined) {
    chownSync(path, owner.uid, owner.gid);
  }
  return server;
};
