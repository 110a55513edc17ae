import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlatformAddress } from './address.ts';
import { artifacts, checkout, runsc } from './artifacts.ts';
import { leftovers } from './leaks.ts';
import { berthAccount, freePort } from './machine.ts';
import { claimNetwork, type Network, releaseNetwork } from './network.ts';
import { Postgres } from './postgres.ts';
import { ManagedProcess, until } from './process.ts';
import { connects } from './sockets.ts';

export type ProcessName = 'postgres' | 'host' | 'server';

/**
 * A whole installation of its own: database, host and server as separate processes, in a folder of its own, with a port, subnet and
 * interface names of its own. Needs root. The tests kill its processes; {@link Platform.stop} says what is left behind.
 */
export class Platform {
  readonly state: string;
  readonly port: number;
  /** Grade of boxes that name none. */
  readonly isolation: string;
  readonly postgres: Postgres;
  /** Further variables of its processes. */
  readonly #variables: Readonly<Record<string, string>>;
  readonly #network: Network;
  readonly #account = berthAccount();
  readonly #artifacts = artifacts();
  readonly #processes = new Map<'host' | 'server', ManagedProcess>();
  #apiKey = '';

  private constructor(
    state: string,
    port: number,
    isolation: string | undefined,
    variables: Readonly<Record<string, string>>,
  ) {
    this.#variables = variables;
    this.state = state;
    this.#network = claimNetwork(state);
    this.port = port;
    this.isolation = isolation ?? 'container';
    this.postgres = new Postgres(state, this.#account);
  }

  /** Starts one and waits until it is ready. What a failed start left behind is taken away. */
  static async start(isolation?: string, variables: Readonly<Record<string, string>> = {}): Promise<Platform> {
    if (process.getuid?.() !== 0) {
      throw new Error('these tests start real boxes: run them as root');
    }
    const platform = new Platform(mkdtempSync(join(tmpdir(), 'bt-')), await freePort(), isolation, variables);
    try {
      platform.#makeFolders();
      await platform.postgres.start();
      await platform.startHost();
      platform.#apiKey = platform.#bootstrap();
      await platform.startServer();
    } catch (error) {
      await platform.stop().catch(() => []);
      throw error;
    }
    return platform;
  }

  get address(): PlatformAddress {
    return {
      baseUrl: `http://127.0.0.1:${this.port}`,
      apiKey: this.#apiKey,
      port: this.port,
      state: this.state,
      isolation: this.isolation,
      ...this.#network,
      pids: {
        server: this.process('server').pid,
        host: this.process('host').pid,
        postgres: this.process('postgres').pid,
      },
    };
  }

  process(name: ProcessName): ManagedProcess {
    const found = name === 'postgres' ? this.postgres.process : this.#processes.get(name);
    if (found === undefined) {
      throw new Error(`${name} was not started`);
    }
    return found;
  }

  /** kill -9, without a word of warning to anybody. */
  async kill(name: ProcessName): Promise<void> {
    await this.process(name).end('SIGKILL');
  }

  /** Starts what was killed again and waits until it answers. */
  async restart(name: ProcessName): Promise<void> {
    await (name === 'postgres' ? this.postgres.start() : name === 'host' ? this.startHost() : this.startServer());
  }

  async startHost(): Promise<void> {
    const socket = join(this.state, 'run/host.sock');
    const process = this.#spawn('host', ['packages/host/src/main.ts'], undefined);
    await until('the host listens', () => connects(socket), 60_000, process);
  }

  async startServer(): Promise<void> {
    const process = this.#spawn('server', ['packages/server/src/main.ts'], this.#account);
    const ready = () => fetch(`http://127.0.0.1:${this.port}/readyz`).then((answer) => answer.ok);
    await until('the server is ready', ready, 60_000, process);
  }

  /** Ends everything; returns one line for each thing that is still there afterwards. Keeps the folder when there is any. */
  async stop(): Promise<string[]> {
    await this.#processes.get('server')?.end('SIGTERM');
    await this.#processes.get('host')?.end('SIGTERM');
    this.#run('packages/host/src/teardown.ts');
    await this.postgres.process.end('SIGINT');
    const left = leftovers(this.state, this.#network);
    if (left.length === 0) {
      rmSync(this.state, { recursive: true, force: true });
    } else {
      // A test has failed: its logs stay, its boxes do not.
      this.#run('packages/host/src/teardown.ts', undefined, ['--all']);
    }
    releaseNetwork(this.#network);
    return left;
  }

  #makeFolders(): void {
    const { uid, gid } = this.#account;
    chmodSync(this.state, 0o711);
    for (const [folder, mode, owned] of folders) {
      const path = join(this.state, folder);
      mkdirSync(path, { recursive: true });
      chmodSync(path, mode);
      if (owned) {
        chownSync(path, uid, gid);
      }
    }
    const key = join(this.state, 'server/master.key');
    writeFileSync(key, crypto.getRandomValues(new Uint8Array(32)), { mode: 0o600 });
    chownSync(key, uid, gid);
  }

  #environment(): Record<string, string> {
    const { subnet, interfacePrefix } = this.#network;
    return {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      BERTH_STATE: this.state,
      BERTH_PORT: String(this.port),
      BERTH_LISTEN: '127.0.0.1',
      BERTH_HOST_SOCKET: join(this.state, 'run/host.sock'),
      BERTH_MASTER_KEY_FILE: join(this.state, 'server/master.key'),
      BERTH_GUEST_BINARY: this.#artifacts.guestBinary,
      BERTH_HELPER_BINARY: this.#artifacts.helperBinary,
      BERTH_IMAGE_ROOTFS: this.#artifacts.imageRootfs,
      BERTH_RUNSC: runsc() ?? '',
      BERTH_ISOLATION: this.isolation,
      BERTH_SUBNET: subnet,
      BERTH_INTERFACE_PREFIX: interfacePrefix,
      BERTH_DOOR_ADDRESS: subnet.replace(/0\/\d+$/, '1'),
      // Tests look for what boxes have in the kernel by the ids of the boxes; those of the pool have other names.
      BERTH_POOL: process.env['BERTH_POOL'] ?? 'off',
      BERTH_LOG_LEVEL: process.env['BERTH_LOG_LEVEL'] ?? 'info',
      ...this.#variables,
    };
  }

  /** Runs one of the project's programs to its end and returns what it printed. */
  #run(
    script: string,
    account: { uid: number; gid: number } | undefined = undefined,
    words: readonly string[] = [],
  ): string {
    return execFileSync(this.#artifacts.node, [join(checkout, script), ...words], {
      env: this.#environment(),
      ...account,
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  #bootstrap(): string {
    const output = this.#run('packages/server/src/bootstrap.ts', this.#account);
    const answer: unknown = JSON.parse(output.trim().split('\n').at(-1) ?? '');
    if (typeof answer === 'object' && answer !== null && 'apiKey' in answer && typeof answer.apiKey === 'string') {
      return answer.apiKey;
    }
    throw new Error('the bootstrap printed no API key');
  }

  #spawn(
    name: 'host' | 'server',
    [script]: readonly [string],
    account: { uid: number; gid: number } | undefined,
  ): ManagedProcess {
    const process = new ManagedProcess({
      name,
      argv: [this.#artifacts.node, join(checkout, script)],
      environment: this.#environment(),
      ...account,
      logFile: join(this.state, `logs/${name}.log`),
    });
    this.#processes.set(name, process);
    return process;
  }
}

/** Folder, mode, owned by the unprivileged account. */
const folders: ReadonlyArray<readonly [string, number, boolean]> = [
  ['run', 0o755, false],
  ['host', 0o700, false],
  ['server', 0o700, true],
  ['logs', 0o755, false],
];
