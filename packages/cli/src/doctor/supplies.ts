import { runProgram } from '../programs/run-program.ts';
import { postgresPrograms } from '../supervisor/postgres.ts';
import { type Check, ok, warn } from './check.ts';

const reachable = (name: string, command: readonly string[], hint: string): Check => ({
  name,
  look: () =>
    runProgram(['timeout', '20', ...command]).then(
      () => ok('reachable'),
      () => warn('not reachable', hint),
    ),
});

/** Programs and sources that set-up needs. Without sources an installed Berth still runs. */
export const supplyChecks: readonly Check[] = [
  { name: 'PostgreSQL', look: async () => ok(process.env['DATABASE_URL'] ? 'DATABASE_URL' : postgresPrograms()) },
  reachable('npm registry', ['npm', 'ping'], 'npm config get registry'),
  reachable(
    'Debian mirror',
    ['apt-get', '-qq', '-o', 'Debug::NoLocking=1', 'download', '--print-uris', 'base-files'],
    'apt-get update',
  ),
];
