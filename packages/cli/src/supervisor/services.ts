import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { AccountLimits } from '@berth/contract';
import { localUrl } from '../http/endpoint.ts';
import { asAccount, type SystemAccount } from '../installation/accounts.ts';
import type { Installation } from '../installation/installation.ts';
import { repositoryDirectory, type StatePaths } from '../installation/paths.ts';
import { runProgram } from '../programs/run-program.ts';
import { hostEnvironment, serverEnvironment } from './environment.ts';
import { serviceMark } from './orphans.ts';
import { codeAccess } from './readable-code.ts';
import type { ServiceDefinition } from './service.ts';

/** With it, services collect the garbage of long streams in good time (packages/host/src/streams/young-garbage.ts). */
const collectorFlag = '--expose-gc';

/** The data plane: root, behind a Unix socket. */
export const hostService = (paths: StatePaths, installation: Installation): ServiceDefinition => ({
  name: 'host',
  command: [process.execPath, collectorFlag, join(repositoryDirectory(), 'packages/host/src/main.ts')],
  environment: { ...hostEnvironment(paths, installation), ...serviceMark(paths.state, 'host') },
  directory: '/',
  logFile: join(paths.logs, 'host.log'),
  isReady: () =>
    new Promise((resolve) => {
      const socket = connect(paths.hostSocket);
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    }),
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 15_000,
});

/** The control plane: parses the internet's bytes, so it runs without any privilege. */
export const serverService = (
  paths: StatePaths,
  installation: Installation,
  account: SystemAccount,
): ServiceDefinition => ({
  name: 'server',
  command: serverProgram(paths, account, 'packages/server/src/main.ts', collectorFlag),
  environment: { ...serverEnvironment(paths, installation), ...serviceMark(paths.state, 'server') },
  directory: '/',
  logFile: join(paths.logs, 'server.log'),
  isReady: async () =>
    (await fetch(`${localUrl(installation.port)}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 15_000,
});

/**
 * Brings the database to the present schema, and makes the first account.
 * @returns an API key, made just now because the installation has none on file
 */
export const bootstrap = async (
  paths: StatePaths,
  installation: Installation,
  account: SystemAccount,
): Promise<string | undefined> => {
  const output = await runProgram(serverProgram(paths, account, 'packages/server/src/bootstrap.ts'), {
    environment: {
      ...serverEnvironment(paths, installation),
      ...(existsSync(paths.apiKey) ? {} : { BERTH_NEED_KEY: '1' }),
    },
  });
  const line = output.trim().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? (JSON.parse(line) as { apiKey?: string }).apiKey : undefined;
};

/** What the operator sets for an account: a number, or `null` for what the settings of the server say. */
export interface LimitsChange {
  /** The account made first, when left out. */
  readonly account?: string;
  readonly set: Readonly<Record<string, number | null>>;
}

/** Changes the limits of an account in the database of the installation, and gives what is set for it then. */
export const changeLimits = async (
  paths: StatePaths,
  installation: Installation,
  account: SystemAccount,
  change: LimitsChange,
): Promise<{ readonly account: string; readonly limits: AccountLimits }> => {
  const command = [...serverProgram(paths, account, 'packages/server/src/account-limits.ts'), JSON.stringify(change)];
  const output = await runProgram(command, { environment: serverEnvironment(paths, installation) });
  return JSON.parse(output) as { account: string; limits: AccountLimits };
};

/** A layer of mounts, as the database of the installation has it. */
export interface MountLayer {
  readonly id: string;
  readonly status: 'making' | 'ready';
  readonly sizeBytes: number;
  /** What it lies upon: the id of a blueprint, or the name of a default image. */
  readonly image: string;
  readonly madeMs: number;
  readonly usedMs: number;
}

/** The layers of mounts that the installation keeps; or takes those with these ids away, and gives what went. Least recently used first. */
export const mountLayers = async (
  paths: StatePaths,
  installation: Installation,
  account: SystemAccount,
  remove?: readonly string[],
): Promise<readonly MountLayer[]> => {
  const request = JSON.stringify(remove === undefined ? {} : { remove });
  const command = [...serverProgram(paths, account, 'packages/server/src/mount-cache.ts'), request];
  const output = await runProgram(command, { environment: serverEnvironment(paths, installation) });
  return (JSON.parse(output) as { layers: MountLayer[] }).layers;
};

/** Command line of a program of the control plane, as the service account. */
const serverProgram = (paths: StatePaths, account: SystemAccount, program: string, ...flags: string[]): string[] => {
  const code = codeAccess(paths, account);
  return [...code.before, ...asAccount(account), process.execPath, ...flags, code.path(program)];
};
