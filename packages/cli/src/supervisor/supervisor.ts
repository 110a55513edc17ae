import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { serviceAccount } from '../installation/accounts.ts';
import { writeAtomically } from '../installation/atomic-file.ts';
import { ensureInstallation } from '../installation/installation.ts';
import { processFile, type StatePaths } from '../installation/paths.ts';
import { prepareState } from '../installation/prepare.ts';
import { rotateLogs } from './log-rotation.ts';
import { postgresService } from './postgres.ts';
import { identify } from './process-identity.ts';
import { publishState, type SupervisorState } from './published-state.ts';
import type { ServiceDefinition } from './service.ts';
import { bootstrap, hostService, serverService } from './services.ts';
import { SupervisedService } from './supervised-service.ts';

const logLimitBytes = 32 * 1024 * 1024;
const rotationMs = 10_000;
const bootstrapPauseMs = 1_000;

/**
 * Starts postgres, host and server, or takes over those that run already, and keeps them running until the signal is aborted.
 * The first time, the server starts after the
 * bootstrap of the database; later all start at once.
 */
export const supervise = async (paths: StatePaths, stop: AbortSignal): Promise<void> => {
  const account = serviceAccount();
  const installation = ensureInstallation(paths, undefined);
  prepareState(paths, account);
  const self = identify(process.pid);
  if (self === undefined) {
    throw new Error('/proc does not show this process');
  }

  let phase: SupervisorState['phase'] = 'starting';
  let problem: string | undefined;
  const startedMs = Date.now();
  const publish = (): void =>
    publishState(paths, {
      process: self,
      startedMs,
      phase,
      services: services.map(({ state }) => state),
      ...(problem === undefined ? {} : { problem }),
    });
  const supervised = (definition: ServiceDefinition): SupervisedService =>
    new SupervisedService(definition, processFile(paths, definition.name), publish);

  const database = process.env['DATABASE_URL'] === undefined ? supervised(postgresService(paths, account)) : undefined;
  const host = supervised(hostService(paths, installation));
  const server = supervised(serverService(paths, installation, account));
  const services = [...(database === undefined ? [] : [database]), host, server];
  publish();

  const rotation = setInterval(() => rotateLogs(paths.logs, logLimitBytes), rotationMs);
  const lives = [database?.run(), host.run()];
  const started = (async () => {
    const settled = isSettled(paths);
    if (!settled) {
      await Promise.race([database?.ready, aborted(stop)]);
    }
    while (!settled && !stop.aborted) {
      try {
        const apiKey = await bootstrap(paths, installation, account);
        if (apiKey !== undefined) {
          writeAtomically(paths.apiKey, `${apiKey}\n`, { mode: 0o600 });
        }
        break;
      } catch (error) {
        problem = `the database could not be brought up to date: ${error instanceof Error ? error.message : String(error)}`;
        publish();
        await pause(bootstrapPauseMs, undefined, { signal: stop }).catch(() => undefined);
      }
    }
    problem = undefined;
    if (!stop.aborted) {
      lives.push(server.run());
      await Promise.race([Promise.all([host.ready, server.ready]), aborted(stop)]);
    }
    if (!stop.aborted) {
      phase = 'ready';
      publish();
    }
  })();

  await aborted(stop);
  clearInterval(rotation);
  phase = 'stopping';
  publish();
  await started;
  for (const service of services.toSorted((one, other) => stopRank(one) - stopRank(other))) {
    await service.stop();
  }
  await Promise.all(lives);
};

/**
 * Whether an earlier start finished the bootstrap of the private database. The server then starts beside it, waits for it, and brings its schema
 * up to date by itself; that saves the time of one more program.
 */
const isSettled = (paths: StatePaths): boolean =>
  process.env['DATABASE_URL'] === undefined &&
  [paths.apiKey, paths.masterKey, join(paths.postgresData, 'PG_VERSION')].every((path) => existsSync(path));

/** Server first, so that no request meets a half-stopped host; the database last. */
const stopRank = ({ state }: SupervisedService): number => ['server', 'host', 'postgres'].indexOf(state.name);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
