import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { socketDatabaseUrl } from '../src/config/config.ts';

const run = promisify(execFile);

/** Newest installed PostgreSQL of Debian. */
const findBinaries = async (): Promise<string> => {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root).catch(() => [])).map(Number).sort((a, b) => b - a);
  if (versions[0] === undefined) {
    throw new Error(`no PostgreSQL under ${root}: apt-get install postgresql`);
  }
  return join(root, String(versions[0]), 'bin');
};

/** PostgreSQL refuses to run as root: an unprivileged account of this machine does it then. */
const unprivileged = async (): Promise<{ uid: number; gid: number } | undefined> => {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  return { uid: Number(found?.[2] ?? 65534), gid: Number(found?.[3] ?? 65534) };
};

/** A private cluster in a temporary directory, reached by its Unix socket only. Fast and not durable: for tests. */
export class TestCluster {
  readonly directory: string;
  readonly #binaries: string;
  readonly #account: { readonly uid: number; readonly gid: number } | undefined;
  #process: ChildProcess | undefined;

  private constructor(directory: string, binaries: string, account: { uid: number; gid: number } | undefined) {
    this.directory = directory;
    this.#binaries = binaries;
    this.#account = account;
  }

  /** Makes and starts a cluster. */
  static async create(): Promise<TestCluster> {
    const binaries = await findBinaries();
    const account = await unprivileged();
    const directory = await mkdtemp(join(tmpdir(), 'berth-pg-'));
    if (account !== undefined) {
      await chown(directory, account.uid, account.gid);
    }
    const cluster = new TestCluster(directory, binaries, account);
    const options = [
      '-D',
      join(directory, 'data'),
      '-U',
      'berth',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '-N',
    ];
    await run(join(binaries, 'initdb'), options, { ...account, cwd: directory });
    await cluster.start();
    return cluster;
  }

  url(database = 'postgres'): string {
    return socketDatabaseUrl(this.directory, database);
  }

  /** Starts the server, also after `kill`. Resolves when it takes connections. */
  async start(): Promise<void> {
    const settings = ['fsync=off', 'full_page_writes=off', 'listen_addresses=', 'max_connections=200'];
    const { uid, gid } = this.#account ?? {};
    const identity = uid === undefined ? [] : ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
    // The death signal ends the cluster with a test run that is killed.
    const child = spawn(
      'setpriv',
      [
        ...identity,
        '--pdeathsig',
        'INT',
        join(this.#binaries, 'postgres'),
        '-D',
        join(this.directory, 'data'),
        '-k',
        this.directory,
        ...settings.flatMap((setting) => ['-c', setting]),
      ],
      { stdio: 'ignore', cwd: this.directory },
    );
    this.#process = child;
    for (;;) {
      if (child.exitCode !== null) {
        throw new Error(`postgres ended with ${child.exitCode}`);
      }
      const client = new pg.Client(this.url());
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Ends the postmaster without warning; its backends notice and end too. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Runs one statement on its own connection. */
  async execute(statement: string): Promise<void> {
    const client = new pg.Client(this.url());
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  /** Stops the server and deletes the directory. */
  async remove(): Promise<void> {
    await this.#end('SIGINT');
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
  }
}
