import { rmSync } from 'node:fs';
import { statePaths } from '../installation/paths.ts';
import { supervise } from './supervisor.ts';

/** The supervisor process; `berth up` starts it under the installation's lock, so that there is one. */
const paths = statePaths();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => stop.abort());
}
process.on('SIGHUP', () => undefined);

try {
  await supervise(paths, stop.signal);
  rmSync(paths.supervisorState, { force: true });
} catch (error) {
  console.error(JSON.stringify({ level: 'error', time: Date.now(), message: String(error) }));
  process.exitCode = 1;
}
