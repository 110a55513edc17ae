import { readFileSync } from 'node:fs';
import { statePaths } from '../installation/paths.ts';
import { runProgram } from '../programs/run-program.ts';
import { readSupervisorState } from '../supervisor/published-state.ts';
import { type Check, ok, warn } from './check.ts';

/** Whether images can be built: as the host that runs has found, else by asking buildah. */
export const buildChecks: readonly Check[] = [
  {
    name: 'image builds',
    look: async () => {
      const paths = statePaths();
      const known = readSupervisorState(paths) && readFinding(paths.builds);
      if (known !== undefined) {
        return known.usable ? ok('usable') : warn(`not usable: ${known.reason ?? 'the host does not say why'}`);
      }
      return runProgram([process.env['BERTH_BUILDAH'] || 'buildah', '--version']).then(
        (version) => ok(version.split('\n')[0] ?? ''),
        () => warn('buildah does not run', './berth setup installs it; boxes need it not'),
      );
    },
  },
];

const readFinding = (path: string): { readonly usable: boolean; readonly reason?: string } | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { usable: boolean; reason?: string };
  } catch {
    return undefined;
  }
};
