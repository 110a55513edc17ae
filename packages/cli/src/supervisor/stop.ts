import { processFile, type StatePaths } from '../installation/paths.ts';
import { findService } from './orphans.ts';
import { endProcess, readProcessFile, removeProcessFile } from './process-identity.ts';
import { readSupervisorState } from './published-state.ts';
import type { ServiceName } from './service.ts';

const supervisorStopMs = 60_000;
const serviceStopMs = 15_000;

/** Order and signals of a stop without supervisor; the database ends its sessions on SIGINT. */
const leftOver: ReadonlyArray<readonly [ServiceName, NodeJS.Signals]> = [
  ['server', 'SIGTERM'],
  ['host', 'SIGTERM'],
  ['postgres', 'SIGINT'],
];

/**
 * Stops server, host and database, whether a supervisor is there or was killed. Boxes are not touched.
 * @returns whether anything ran
 */
export const stopInstallation = async (paths: StatePaths): Promise<boolean> => {
  const supervisor = readSupervisorState(paths);
  if (supervisor !== undefined) {
    await endProcess(supervisor.process, 'SIGTERM', supervisorStopMs);
  }
  let found = supervisor !== undefined;
  for (const [name, signal] of leftOver) {
    const process = readProcessFile(processFile(paths, name)) ?? findService(paths.state, name);
    if (process !== undefined) {
      found = true;
      await endProcess(process, signal, serviceStopMs);
    }
    removeProcessFile(processFile(paths, name));
  }
  return found;
};
