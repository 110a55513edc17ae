import { readFileSync } from 'node:fs';
import { writeAtomically } from '../installation/atomic-file.ts';
import type { StatePaths } from '../installation/paths.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import type { ServiceState } from './service.ts';

/** What the supervisor tells others, in a file. */
export interface SupervisorState {
  readonly process: ProcessIdentity;
  readonly startedMs: number;
  readonly phase: 'starting' | 'ready' | 'stopping';
  readonly services: readonly ServiceState[];
  /** What keeps it from getting ready, beyond the services' own failures. */
  readonly problem?: string;
}

export const publishState = (paths: StatePaths, state: SupervisorState): void =>
  writeAtomically(paths.supervisorState, JSON.stringify(state), { durable: false });

/** State of the supervisor that runs now; undefined when none does. */
export const readSupervisorState = (paths: StatePaths): SupervisorState | undefined => {
  try {
    const state = JSON.parse(readFileSync(paths.supervisorState, 'utf8')) as SupervisorState;
    return isAlive(state.process) ? state : undefined;
  } catch {
    return undefined;
  }
};
