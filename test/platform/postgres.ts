import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, postgresPrograms } from './machine.ts';
import { ManagedProcess, until } from './process.ts';

const START_ATTEMPTS = 20;

/** A private cluster of the distribution's PostgreSQL that listens on a Unix socket alone. */
export class Postgres {
  readonly #state: string;
  readonly #account: Account;
  readonly #programs = postgresPrograms();
  #process: ManagedProcess | undefined;

  constructor(state: string, account: Account) {
    this.#state = state;
    this.#account = account;
  }

  get socketFolder(): string {
    return join(this.#state, 'run/postgres');
  }

  get process(): ManagedProcess {
    if (this.#process === undefined) {
      throw new Error('the database was not started');
    }
    return this.#process;
  }

  /** Makes the cluster when there is none, starts it and makes the database. Also brings it back after a kill. */
  async start(): Promise<void> {
    const data = join(this.#state, 'postgres');
    for (const folder of [data, this.socketFolder]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chownSync(folder, this.#account.uid, this.#account.gid);
    }
    if (!existsSync(join(data, 'PG_VERSION'))) {
      this.#run('initdb', [
        '-D',
        data,
        '-U',
        'berth',
        '--auth=trust',
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-instructions',
      ]);
    }
    await this.#startProcess(data);
    if (this.query("SELECT 1 FROM pg_database WHERE datname = 'berth'", 'postgres') === '') {
      this.query('CREATE DATABASE berth', 'postgres');
    }
  }

  /** Tries again, as the supervisor does, while the children of a killed postmaster still hold its shared memory. */
  async #startProcess(data: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#process = this.#spawn(data);
      try {
        await until('the database takes connections', () => this.#answers(), 30_000, this.#process);
        return;
      } catch (error) {
        if (attempt >= START_ATTEMPTS || !String(error).includes('pre-existing shared memory block')) {
          throw error;
        }
        await sleep(250);
      }
    }
  }

  #spawn(data: string): ManagedProcess {
    return new ManagedProcess({
      name: 'postgres',
      argv: [join(this.#programs, 'postgres'), '-D', data, '-k', this.socketFolder, '-c', 'listen_addresses='],
      environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
      ...this.#account,
      logFile: join(this.#state, 'logs/postgres.log'),
    });
  }

  /** Runs one statement and returns the unaligned text of its rows. */
  query(statement: string, database = 'berth'): string {
    return this.#run('psql', ['-h', this.socketFolder, '-U', 'berth', '-d', database, '-XAtqc', statement]).trim();
  }

  #answers(): boolean {
    this.#run('pg_isready', ['-q', '-h', this.socketFolder]);
    return true;
  }

  #run(program: string, args: readonly string[]): string {
    return execFileSync(join(this.#programs, program), args, {
      ...this.#account,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
