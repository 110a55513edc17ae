import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StatePaths } from '../installation/paths.ts';
import { readSupervisorState, type SupervisorState } from './published-state.ts';

/** Status with which flock tells that another process holds the lock. */
const lockHeldStatus = 75;

/**
 * Starts the supervisor as a process of its own session, under the installation's lock.
 * @returns what became of it when it ends: `held` when another supervisor has the lock
 */
export const launchSupervisor = (paths: StatePaths): { readonly ended: Promise<'held' | string> } => {
  const log = openSync(join(paths.logs, 'supervisor.log'), 'a', 0o640);
  try {
    const lock = ['--nonblock', '--no-fork', '--conflict-exit-code', String(lockHeldStatus), paths.supervisorLock];
    const child = spawn('flock', [...lock, process.execPath, join(import.meta.dirname, 'main.ts')], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.unref();
    return {
      ended: new Promise((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('exit', (code, signal) => resolve(code === lockHeldStatus ? 'held' : (signal ?? `status ${code}`)));
      }),
    };
  } finally {
    closeSync(log);
  }
};

/**
 * Looks at the supervisor's state until it is ready.
 * @param watch called with every state seen
 * @param giveUp says, from the state seen, whether waiting makes no sense any more
 * @returns the last state; undefined when the supervisor is gone
 */
export const untilReady = async (
  paths: StatePaths,
  watch: (state: SupervisorState) => void,
  giveUp: (state: SupervisorState) => boolean,
): Promise<SupervisorState | undefined> => {
  const firstSignMs = 10_000;
  const begin = Date.now();
  let seen = false;
  for (;;) {
    const state = readSupervisorState(paths);
    if (state !== undefined) {
      seen = true;
      watch(state);
      if (state.phase === 'ready' || giveUp(state)) {
        return state;
      }
    } else if (seen || Date.now() - begin > firstSignMs) {
      return undefined;
    }
    await pause(40);
  }
};
