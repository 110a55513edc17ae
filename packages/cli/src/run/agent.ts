import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { ReadyMade } from '@berth/contract';
import { CommandFailure } from '../output/failure.ts';

/** A program that works on a task in a box. */
export interface Agent {
  readonly name: string;
  /** Directory that is placed in the box; none for a bare command. */
  readonly directory?: string;
  /** Mount that brings it into the box; an agent that comes with Berth has one. */
  readonly mount?: Readonly<Record<string, string>>;
  /** What an agent that comes with Berth needs. */
  readonly readyMade?: ReadyMade;
  /** Line of bash run once before the task, in the agent's directory. */
  readonly setup?: string;
  /** Line of bash that does the task, run in the repository's directory. */
  readonly run: string;
  /** Where in the box the agent leaves its result; `$BERTH_RESULT` when left out. */
  readonly result?: string;
}

/**
 * Reads an agent: a directory with `agent.json` (`{name?, run, setup?, result?}`) or an executable named `run`; anything else is a line of bash.
 * @throws CommandFailure when the directory holds neither
 */
export const readAgent = (text: string): Agent => {
  if (!existsSync(text) || !statSync(text).isDirectory()) {
    return { name: text.trim().split(/\s+/)[0] ?? 'agent', run: text };
  }
  const directory = resolve(text);
  const manifest = join(directory, 'agent.json');
  if (existsSync(manifest)) {
    return { name: basename(directory), ...parseManifest(readFileSync(manifest, 'utf8'), manifest), directory };
  }
  if (isExecutable(join(directory, 'run'))) {
    return { name: basename(directory), directory, run: '"$BERTH_AGENT"/run' };
  }
  throw new CommandFailure(`${text} is no agent: it has neither agent.json nor an executable named run`, {
    hint: 'see ./berth run --help',
  });
};

/** Checks the text of an `agent.json`. */
export const parseManifest = (text: string, where: string): Pick<Agent, 'run'> & Partial<Agent> => {
  const fail = (problem: string): never => {
    throw new CommandFailure(`${where}: ${problem}`);
  };
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  if (typeof manifest !== 'object' || manifest === null) {
    return fail('not a JSON object');
  }
  const fields = manifest as Record<string, unknown>;
  const known = Object.fromEntries(
    ['name', 'run', 'setup', 'result'].flatMap((key) => {
      const value = fields[key];
      return value === undefined ? [] : [[key, typeof value === 'string' ? value : fail(`${key} must be text`)]];
    }),
  );
  return typeof known['run'] === 'string' ? { ...known, run: known['run'] } : fail('run is missing');
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
