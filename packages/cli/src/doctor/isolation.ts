import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryText, readIsolations } from '../installation/isolations.ts';
import { statePaths } from '../installation/paths.ts';
import { runProgram } from '../programs/run-program.ts';
import { readSupervisorState } from '../supervisor/published-state.ts';
import { type Check, type Finding, ok, warn } from './check.ts';

/** What boxes can be isolated by: as the host that runs has tested it, else tried here. */
export const isolationChecks: readonly Check[] = [
  { name: 'isolation container', look: () => gradeFinding('container', tryContainer) },
  { name: 'isolation gvisor', look: () => gradeFinding('gvisor', trySandbox) },
];

type Outcome = Promise<Omit<Finding, 'name'>>;

const gradeFinding = async (grade: string, attempt: () => Outcome): Outcome => {
  const paths = statePaths();
  const known = readSupervisorState(paths) && readIsolations(paths).find(({ isolation }) => isolation === grade);
  if (known === undefined) {
    return attempt();
  }
  if (!known.usable) {
    return warn(`not usable: ${known.reason}`);
  }
  const found = `usable: the host has run a box${memoryText(known)}`;
  return known.memory?.usable === false ? warn(found) : ok(found);
};

const tryContainer = async (): Outcome =>
  ok((await runProgram([process.env['BERTH_RUNTIME'] || 'runc', '--version'])).split('\n')[0] ?? '');

/** Boots a sandbox for real, without network. */
const trySandbox = async (): Outcome => {
  const runsc = process.env['BERTH_RUNSC'];
  if (!runsc) {
    return warn(
      process.env['BERTH_RUNSC_MISSING'] || 'no runsc',
      './berth setup builds it; the other grades need it not',
    );
  }
  const directory = mkdtempSync(join(tmpdir(), 'berth-doctor-'));
  try {
    const flags = ['--root', directory, '--platform=systrap', '--network=none', '--ignore-cgroups'];
    await runProgram(['timeout', '20', runsc, ...flags, 'do', 'true']);
    return ok(`a sandbox starts (${runsc})`);
  } catch (error) {
    return warn(`no sandbox starts: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
