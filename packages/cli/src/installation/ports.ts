import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** Whether a TCP port can be listened on. */
export const portIsFree = (port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** Who listens on a TCP port: `name (pid 12)`, as far as /proc tells. */
export const portOwner = (port: number): string => {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningSockets(table, port)));
  for (const pid of sockets.size === 0 ? [] : readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (descriptorTargets(pid).some((target) => sockets.has(target))) {
      return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
    }
  }
  return 'another process';
};

/** Targets `socket:[inode]` of the sockets that listen on the port. */
const listeningSockets = (table: string, port: number): string[] => {
  const listening = '0A';
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  try {
    return readFileSync(table, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && fields[1]?.endsWith(suffix))
      .map((fields) => `socket:[${fields[9]}]`);
  } catch {
    return [];
  }
};

const descriptorTargets = (pid: string): string[] => {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
};
