import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** What this machine has: accounts, free ports, programs. */

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const lookUp = (name: string): Account | undefined => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
};

/** The unprivileged account of server and database, made when an installation has not made it yet. */
export function berthAccount(): Account {
  const found = lookUp('berth');
  if (found !== undefined) {
    return found;
  }
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'berth']);
  const made = lookUp('berth');
  if (made === undefined) {
    throw new Error('useradd made no account named berth');
  }
  return made;
}

/** Folder of PostgreSQL's own programs, the newest version first. */
export function postgresPrograms(): string {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  for (const version of versions) {
    const programs = join(base, version, 'bin');
    if (existsSync(join(programs, 'initdb'))) {
      return programs;
    }
  }
  throw new Error(`no PostgreSQL server below ${base}: apt-get install postgresql`);
}

/** A TCP port of the loopback address that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
