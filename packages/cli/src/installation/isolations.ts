import { readFileSync } from 'node:fs';
import type { StatePaths } from './paths.ts';

/** One grade of isolation, and why boxes cannot have it. */
export interface GradeFinding {
  readonly isolation: string;
  readonly usable: boolean;
  readonly reason?: string;
  /** Whether processes can be kept; left out where the grade cannot keep any. */
  readonly memory?: { readonly usable: boolean; readonly reason?: string };
}

/** What can be done with boxes of a usable grade, for a sentence. */
export const memoryText = ({ memory }: GradeFinding): string =>
  memory === undefined ? '' : memory.usable ? ', with memory' : `, but without memory: ${memory.reason}`;

/** What the host that runs found when it started; empty before that. */
export const readIsolations = (paths: StatePaths): readonly GradeFinding[] => {
  try {
    return JSON.parse(readFileSync(paths.isolations, 'utf8')) as GradeFinding[];
  } catch {
    return [];
  }
};
