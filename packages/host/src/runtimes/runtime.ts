import type { RuntimeCall } from '../helper/protocol.ts';
import type { BundleWish } from './oci/bundle-config.ts';

/** Something done to a box that runs: a command line, and what it would ask of the sandbox, where that can be asked without it. */
export interface RuntimeStep {
  readonly runtime: string[];
  readonly call?: RuntimeCall;
}

/** What can be done to the memory of a box. Errors of command lines go to `logFile` as JSON lines. */
export interface MemoryCommands {
  /** Its processes stand still. Fails when they do already. */
  pause(boxId: string, logFile: string): RuntimeStep;
  /** They run on. */
  unpause(boxId: string, logFile: string): RuntimeStep;
  /**
   * Says to the runtime what became of a `pause` or `unpause` that was killed before it wrote it down: it would refuse the one that is needed, or end the box by
   * one that is not. None of its commands about the box may run.
   */
  believe(boxId: string, standing: 'paused' | 'running'): Promise<void>;
  /** Writes the memory of a paused box into the directory, with `direct` past the page cache; it stays paused. */
  checkpoint(boxId: string, directory: string, logFile: string, direct: boolean): RuntimeStep;
  /** The file of an image that is large, and read last. */
  pages(directory: string): string;
  /** Starts a box out of what `checkpoint` wrote, otherwise as `run` does. */
  restore(boxId: string, directory: string, bundle: string, pidFile: string, logFile: string): string[];
}

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
  /** Whether the kernel's freezer may stop its boxes. Programs in a sandbox of gVisor are hit by signals that they cannot know when it does. */
  readonly freezable: boolean;
  /** The content of `config.json`. */
  bundle(wish: BundleWish): object;
  /** Starts the box detached; errors go to `logFile` as JSON lines. */
  run(boxId: string, bundle: string, pidFile: string, logFile: string): string[];
  /** How it keeps the memory of a box, where it can. */
  readonly memory?: MemoryCommands;
  /** Removes what a start that failed has left. */
  delete(boxId: string): string[];
  stateDirectory(boxId: string): string;
  /** A second process outside without which the box cannot go on. */
  companionPid(boxId: string): Promise<number | undefined>;
  /** What the runtime wrote when it died by itself; empty when it did not. */
  lastWords(bundle: string): Promise<string>;
}
