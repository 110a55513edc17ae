import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A way to the database on which an answer can be lost. */
export interface DeafProxy {
  /** The database, reached on this way. */
  readonly url: string;
  /** How often an answer was lost. */
  readonly lost: () => number;
  close(): void;
}

const socketName = '.s.PGSQL.5432';

/** Type of the message by which PostgreSQL says that a statement is done with, and its length. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5]);

/**
 * Passes everything on, but for the answer to the first statement that has these words in it: that one is done, and its connection broken instead of an
 * answer.
 */
export const deafProxy = async (databaseUrl: string, words: string): Promise<DeafProxy> => {
  const directory = mkdtempSync(join(tmpdir(), 'deaf-'));
  const url = new URL(databaseUrl);
  const target = join(url.searchParams.get('host') ?? '', socketName);
  url.searchParams.set('host', directory);
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const database = connect(target);
    let isDeaf = false;
    const end = (): void => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', end).on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (bytes: Buffer) => {
      if (lost === 0 && bytes.includes(words)) {
        lost += 1;
        isDeaf = true;
      }
      database.write(bytes);
    });
    database.on('data', (bytes: Buffer) => {
      if (!isDeaf) {
        client.write(bytes);
      } else if (bytes.includes(readyForQuery)) {
        end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(join(directory, socketName), resolve));
  return {
    url: url.href,
    lost: () => lost,
    close: () => {
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
