import { setTimeout as pause } from 'node:timers/promises';
import type { StatePaths } from '../installation/paths.ts';
import { dim, remark, yellow } from '../output/style.ts';
import { readSupervisorState } from './published-state.ts';
import { stopInstallation } from './stop.ts';

const lookMs = 500;

/** Tells what happens to the services until Ctrl-C, SIGTERM or SIGHUP, then stops them; boxes stay. */
export const stayInForeground = async (paths: StatePaths): Promise<void> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort());
  }
  remark(dim('Ctrl-C stops it; boxes keep running until ./berth down'));
  const failures = new Map<string, number>();
  while (!stop.signal.aborted) {
    const state = readSupervisorState(paths);
    if (state === undefined) {
      remark(yellow('the supervisor is gone; the services go on without it (./berth up takes them over)'));
      return;
    }
    for (const { name, failures: count, lastFailure } of state.services) {
      if (count > (failures.get(name) ?? 0)) {
        remark(yellow(`${new Date().toISOString()} ${name} ${lastFailure}; starting it again`));
      }
      failures.set(name, count);
    }
    await pause(lookMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  remark('stopping');
  await stopInstallation(paths);
};
