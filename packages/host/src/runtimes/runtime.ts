import type { BundleWish } from './oci/bundle-config.ts';

/** How boxes of one grade of isolation are started and ended: command lines, and the bundle they read. */
export interface Runtime {
  /** A name in PATH or a path. */
  readonly binary: string;
  /** Where it keeps its state, one directory a box. */
  readonly root: string;
  /** Files written in a box may be in its memory only: they are lost when it is killed before its guest has flushed them. */
  readonly holdsWrites: boolean;
  /** The guest may not set the host name of its box: the host does. */
  readonly namesHostOutside: boolean;
  /** The content of `config.json`. */
  bundle(wish: BundleWish): object;
  /** Starts the box detached; errors go to `logFile` as JSON lines. */
  run(boxId: string, bundle: string, pidFile: string, logFile: string): string[];
  /** Removes what a start that failed has left. */
  delete(boxId: string): string[];
  stateDirectory(boxId: string): string;
  /** A second process outside without which the box cannot go on. */
  companionPid(boxId: string): Promise<number | undefined>;
  /** What the runtime wrote when it died by itself; empty when it did not. */
  lastWords(bundle: string): Promise<string>;
}
