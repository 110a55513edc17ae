import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Devbox } from '@runloop/api-client';

const example = join(import.meta.dirname, '..');
const home = '/home/user';
/** What both engines are measured with; small queries are over soon, and need more. */
const queries = { small: 300, large: 100 };

/** What came of one change in one box; made in the box, by agent/trial.py. */
export interface Trial {
  readonly change: string;
  readonly title?: string;
  /** SHA-256 of the engine that was tried. */
  readonly engine?: string;
  /** What the tests object to; null when they are green. */
  readonly problem?: string | null;
  /** Queries a second of the engine before and now, measured in turn. */
  readonly before?: number;
  readonly now?: number;
  readonly factor?: number;
  /** The process that did it, and when it began its work (Unix seconds). */
  readonly agent?: { readonly pid: number; readonly service: number; readonly begun: number; readonly ready: number };
}

/** Names of the changes that can be tried, in order. */
export const changes = (): string[] =>
  readdirSync(join(example, 'changes'))
    .map((file) => file.replace(/\.patch$/, ''))
    .sort();

/** Project, agent and changes, as files of a box: path to text. */
export const fileMounts = (): Record<string, string> =>
  Object.fromEntries(
    ['project', 'agent', 'changes'].flatMap((part) =>
      readdirSync(join(example, part), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__') && !entry.name.endsWith('.pyc'))
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.replace(example, home), readFileSync(path, 'utf8')]),
    ),
  );

/** The agent in the boxes. */
export class Agent {
  readonly #environment: string;
  readonly #queries: number;

  /** @param small whether it works on a small part of the library */
  constructor(small: boolean) {
    this.#environment = small ? 'LIVE_FORK_LIBRARY=/usr/lib/python3.11/email:/usr/lib/python3.11/asyncio ' : '';
    this.#queries = small ? queries.small : queries.large;
  }

  /** From nothing to a warm service; each step is told as it comes. */
  async prepare(box: Devbox, tell: (line: string) => void): Promise<void> {
    await this.#run(box, 'prepare', tell);
  }

  /** The same from a disk that is prepared: everything that was in memory is made anew. */
  async wake(box: Devbox): Promise<void> {
    await this.#run(box, 'wake', () => undefined);
  }

  /** Tells the waiting agent which change to try, and waits for its result. */
  async choose(box: Devbox, change: string): Promise<Trial> {
    return JSON.parse(await this.#run(box, `choose ${change} ${this.#queries}`, () => undefined)) as Trial;
  }

  async #run(box: Devbox, words: string, tell: (line: string) => void): Promise<string> {
    const result = await box.cmd.exec(`${this.#environment}python3 ~/agent/agent.py ${words}`, { stdout: tell });
    if (result.exitCode !== 0) {
      throw new Error(
        `agent.py ${words} in ${box.id} ended with ${result.exitCode}: ${(await result.stderr()).trim()}`,
      );
    }
    return result.stdout();
  }
}

/** The change that is none. */
export const asItIs = 'as-it-is';
