import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeSmallRootfs } from './small-rootfs.ts';

const run = promisify(execFile);

/** An address of this machine that is not the loopback's. */
export const machineAddress = (): string => {
  const all = Object.values(networkInterfaces()).flat();
  const found = all.find((one) => one?.family === 'IPv4' && !one.internal && !one.address.startsWith('169.254.'));
  if (found === undefined) {
    throw new Error('this machine has no address but the loopback');
  }
  return found.address;
};

/** A server that nobody has bound anything to yet; `onConnection` says what it does. */
export async function listenAnywhere(
  onConnection: Parameters<typeof createServer>[1],
): Promise<{ server: Server; port: number }> {
  const server = createServer({}, onConnection);
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

async function freePort(): Promise<number> {
  const { server, port } = await listenAnywhere(() => undefined);
  server.close();
  await once(server, 'close');
  return port;
}

/** Debian's docker-registry with an image `team/base:1`, at one port open to everybody, at another to `reader` with the password `let-me-in`. */
export class Registry {
  readonly #work: string;
  readonly #servers: ChildProcess[] = [];
  openPort = 0;
  closedPort = 0;
  /** Of the image. */
  digest = '';

  private constructor(work: string) {
    this.#work = work;
  }

  static async start(packages: string): Promise<Registry> {
    const registry = new Registry(await mkdtemp(join(tmpdir(), 'br-')));
    registry.openPort = await registry.#serve(packages, '');
    const { stdout } = await run('perl', ['-e', 'print crypt("let-me-in", q($2b$05$abcdefghijklmnopqrstuu))']);
    const users = join(registry.#work, 'users');
    await writeFile(users, `reader:${stdout}\n`);
    registry.closedPort = await registry.#serve(packages, `auth:\n  htpasswd:\n    realm: test\n    path: ${users}\n`);
    await registry.#fill();
    return registry;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    }
    await rm(this.#work, { recursive: true, force: true });
  }

  async #serve(packages: string, more: string): Promise<number> {
    const port = await freePort();
    const file = join(this.#work, `config-${port}.yml`);
    const storage = `storage:\n  filesystem:\n    rootdirectory: ${join(this.#work, 'data')}\n`;
    const log = 'log:\n  level: error\n  accesslog:\n    disabled: true\n';
    await writeFile(file, `version: 0.1\n${log}${storage}http:\n  addr: 0.0.0.0:${port}\n${more}`);
    this.#servers.push(spawn(join(packages, 'usr/bin/docker-registry'), ['serve', file], { stdio: 'ignore' }));
    for (let attempt = 0; ; attempt++) {
      try {
        await fetch(`http://127.0.0.1:${port}/v2/`);
        return port;
      } catch (error) {
        if (attempt > 600) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #fill(): Promise<void> {
    const rootfs = await makeSmallRootfs(join(this.#work, 'rootfs'));
    await writeFile(join(rootfs, 'from'), 'the registry\n');
    const buildah = async (...words: string[]) => {
      const store = [
        '--root',
        join(this.#work, 'graph'),
        '--runroot',
        join(this.#work, 'run'),
        '--storage-driver',
        'vfs',
      ];
      return (await run('buildah', [...store, ...words], { maxBuffer: 2 ** 24 })).stdout.trim();
    };
    const container = await buildah('from', 'scratch');
    await buildah('add', container, rootfs, '/');
    await buildah('config', '--env', 'ORIGIN=registry', container);
    const image = await buildah('commit', container);
    const digest = join(this.#work, 'digest');
    for (const name of ['team/base:1', 'library/special:1']) {
      const target = `docker://127.0.0.1:${this.openPort}/${name}`;
      await buildah('push', '--tls-verify=false', '--digestfile', digest, image, target);
    }
    this.digest = (await run('cat', [digest])).stdout.trim();
    await buildah('rm', '--all');
  }
}
