import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { asAccount, type SystemAccount } from '../installation/accounts.ts';
import type { StatePaths } from '../installation/paths.ts';
import { runProgram } from '../programs/run-program.ts';
import { commonEnvironment } from './environment.ts';
import { serviceMark } from './orphans.ts';
import type { ServiceDefinition } from './service.ts';

const port = 5432;
const packagedVersions = '/usr/lib/postgresql';

/** Directory of the newest PostgreSQL programs that the distribution installed. */
export const postgresPrograms = (): string => {
  const versions = existsSync(packagedVersions) ? readdirSync(packagedVersions) : [];
  const newest = versions
    .filter((version) => existsSync(join(packagedVersions, version, 'bin', 'postgres')))
    .sort((one, other) => Number(other) - Number(one))[0];
  if (newest === undefined) {
    throw new Error(`no PostgreSQL below ${packagedVersions}; ./berth up installs it`);
  }
  return join(packagedVersions, newest, 'bin');
};

/**
 * Everything stays durable (fsync, full pages, synchronous commit are PostgreSQL's defaults and are said here so that they stay). After each
 * checkpoint the first change of a page logs it whole: fewer checkpoints and compression keep that small, and segments of the log are used
 * again instead of being written full of zeros anew.
 */
const settings = (paths: StatePaths): string => `# Written by Berth at every start.
listen_addresses = ''
port = ${port}
unix_socket_directories = '${paths.postgresSocket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 64MB
fsync = on
full_page_writes = on
synchronous_commit = on
wal_compression = on
checkpoint_timeout = 15min
min_wal_size = 256MB
jit = off
log_min_messages = warning
log_line_prefix = '%m [%p] '
timezone = 'UTC'
`;

/** The private cluster: reached through a Unix socket alone, by the service account alone. */
export const postgresService = (paths: StatePaths, account: SystemAccount): ServiceDefinition => {
  const programs = postgresPrograms();
  const environment = { ...commonEnvironment(paths), ...serviceMark(paths.state, 'postgres'), HOME: '/' };
  return {
    name: 'postgres',
    prepare: () => prepareCluster(paths, account, programs, environment),
    command: [...asAccount(account), join(programs, 'postgres'), '-D', paths.postgresData],
    environment,
    directory: '/',
    logFile: join(paths.logs, 'postgres.log'),
    isReady: async () =>
      (await answers(join(paths.postgresSocket, `.s.PGSQL.${port}`))) && (await accepts(paths, account, programs)),
    afterReady: () => createDatabase(paths, account, programs),
    stopSignal: 'SIGINT',
    stopTimeoutMs: 20_000,
  };
};

const prepareCluster = async (
  paths: StatePaths,
  account: SystemAccount,
  programs: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> => {
  if (!existsSync(join(paths.postgresData, 'PG_VERSION'))) {
    const fresh = `${paths.postgresData}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    chownSync(fresh, account.uid, account.gid);
    const options = [
      '--username=berth',
      '--auth-local=peer',
      '--auth-host=reject',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
    ];
    await runProgram([...asAccount(account), join(programs, 'initdb'), '-D', fresh, ...options], { environment });
    renameSync(fresh, paths.postgresData);
  }
  writeFileSync(join(paths.postgresData, 'postgresql.conf'), settings(paths));
};

/** A connection that is accepted; cheaper than starting a program for each look. */
const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const client = (paths: StatePaths, account: SystemAccount, programs: string, program: string): string[] => [
  ...asAccount(account),
  join(programs, program),
  '-h',
  paths.postgresSocket,
  '-p',
  String(port),
  '-U',
  'berth',
];

const accepts = async (paths: StatePaths, account: SystemAccount, programs: string): Promise<boolean> => {
  await runProgram([...client(paths, account, programs, 'pg_isready'), '-q', '-d', 'postgres']);
  return true;
};

const createDatabase = async (paths: StatePaths, account: SystemAccount, programs: string): Promise<void> => {
  const ask = [...client(paths, account, programs, 'psql'), '-d', 'postgres', '-At', '-c'];
  if ((await runProgram([...ask, "SELECT 1 FROM pg_database WHERE datname = 'berth'"])).trim() !== '1') {
    await runProgram([...ask, 'CREATE DATABASE berth']);
  }
};
