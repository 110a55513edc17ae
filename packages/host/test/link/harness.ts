import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { ExecutionSpec, OutputStream } from '../../src/contract/index.ts';
import type { GuestBox, GuestBoxListener } from '../../src/link/guest-box.ts';
import { openGuestBox } from '../../src/link/open-guest-box.ts';
import { openHostDatabase } from '../../src/spool/database.ts';
import { Spool, type SpoolOptions } from '../../src/spool/spool.ts';
import { ScriptedGuest } from './scripted-guest.ts';

/** A guest that dials the given socket. */
export interface RunningGuest {
  stop(): void;
}
export type StartGuest = (socketPath: string, folder: string) => RunningGuest;

export const scripted: StartGuest = (socketPath) => {
  const guest = new ScriptedGuest(socketPath);
  guest.dial();
  return guest;
};

/** The real agent, as an ordinary process: named by BERTH_GUEST_BINARY. */
export const realGuestBinary = process.env.BERTH_GUEST_BINARY ?? '';
export const realGuestUsable = realGuestBinary !== '' && existsSync(realGuestBinary);
export const real: StartGuest = (socketPath, folder) => {
  const etc = join(folder, 'etc');
  mkdirSync(etc, { recursive: true });
  for (const name of ['passwd', 'group', 'hosts', 'resolv.conf']) {
    writeFileSync(join(etc, name), '');
  }
  const child: ChildProcess = spawn(realGuestBinary, [], {
    env: { PATH: process.env.PATH, BERTH_HOST_SOCKET: socketPath, BERTH_ETC: etc },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { stop: () => void child.kill('SIGKILL') };
};

/** Stands between guest and host, and cuts the line when told to. */
export class Cable {
  readonly path: string;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  cuts = 0;

  constructor(path: string, hostPath: string) {
    this.path = path;
    this.#server = createServer((inner) => {
      const outer = dial(hostPath);
      const pair = [inner, outer] as const;
      this.#pairs.add(pair);
      inner.pipe(outer);
      outer.pipe(inner);
      const end = (): void => {
        this.#pairs.delete(pair);
        inner.destroy();
        outer.destroy();
      };
      for (const socket of pair) {
        socket.on('error', end);
        socket.on('close', end);
      }
    });
    this.#server.listen(path);
  }

  /** Both sides see the connection end; what was on its way is lost. */
  cut(): void {
    for (const [inner, outer] of this.#pairs) {
      this.cuts += 1;
      inner.destroy();
      outer.destroy();
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

export const configuration = (home: string) => ({
  hostname: 'box',
  environment: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8' },
  // a home without start-up files: a login shell must not run the developer's own
  user: { name: 'root', uid: 0, gid: 0, home },
  nameservers: [],
  hosts: [],
  memoryBytes: 1024 ** 3,
  machineId: '0123456789abcdef0123456789abcdef',
});

let count = 0;

export const spec = (command: string, more: Partial<ExecutionSpec> = {}): ExecutionSpec => {
  count += 1;
  return { executionId: `exec-${count}`, origin: 'exec', command, ...more };
};

/** One box with a guest, in a folder of its own. `restart` drops the host's objects and makes them anew from the disk. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-link-'));
  readonly socketPath = join(this.folder, 'host.sock');
  readonly home = join(this.folder, 'home');
  readonly cable: Cable;
  readonly completed: string[] = [];
  readonly breaches: string[] = [];
  readonly failures: unknown[] = [];
  readonly #options: Partial<SpoolOptions>;
  readonly #startGuest: StartGuest;
  #database!: DatabaseSync;
  spool!: Spool;
  box!: GuestBox;
  guest: RunningGuest | undefined;

  constructor(options: Partial<SpoolOptions> = {}, startGuest: StartGuest = scripted) {
    this.#options = options;
    this.#startGuest = startGuest;
    mkdirSync(this.home);
    this.cable = new Cable(join(this.folder, 'cable.sock'), this.socketPath);
    this.open();
  }

  static async start(start: StartGuest, options?: Partial<SpoolOptions>): Promise<Bench> {
    const bench = new Bench(options, start);
    await bench.connect();
    return bench;
  }

  /** A new guest dials and is configured. */
  async connect(): Promise<void> {
    await this.box.listen();
    this.guest = this.#startGuest(this.cable.path, this.folder);
    await this.box.configure(configuration(this.home));
    await this.box.ready;
  }

  open(): void {
    const listener: GuestBoxListener = {
      onBreach: (detail) => this.breaches.push(detail),
      onExecutionCompleted: (executionId) => this.completed.push(executionId),
      onFailure: (error) => this.failures.push(error),
    };
    this.#database = openHostDatabase(join(this.folder, 'host.sqlite'));
    this.spool = new Spool({ directory: join(this.folder, 'spool'), database: this.#database, ...this.#options });
    this.box = openGuestBox({ boxId: 'dbx_1', socketPath: this.socketPath, spool: this.spool, listener });
  }

  /** The host goes and comes back; the guest stays. */
  async restart(): Promise<void> {
    await this.shut();
    this.open();
    await this.box.listen();
  }

  async shut(): Promise<void> {
    await this.box.close();
    this.spool.close();
    this.#database.close();
  }

  async stop(): Promise<void> {
    this.guest?.stop();
    this.cable.close();
    await this.shut();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** All of an output. */
  async read(executionId: string, stream: OutputStream = 'stdout', offset = 0): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of this.box.output(executionId, stream, offset)) {
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  }

  /** Runs a command to its end. */
  run(command: string, more: Partial<ExecutionSpec> = {}) {
    return this.box.executeAndWait(spec(command, more), { timeoutMs: 45_000, lastLines: 100 });
  }
}
