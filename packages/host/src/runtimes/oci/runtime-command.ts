import { join } from 'node:path';

/** Command lines of an OCI runtime that understands runc's (runc, crun, youki). */
export class RuntimeCommand {
  readonly binary: string;
  /** Where the runtime keeps its state, one directory a box. */
  readonly root: string;

  constructor(binary: string, root: string) {
    this.binary = binary;
    this.root = root;
  }

  /** Starts the box detached; errors go to `logFile` as JSON lines. */
  run(boxId: string, bundle: string, pidFile: string, logFile: string): string[] {
    return [
      this.binary,
      '--root',
      this.root,
      '--log',
      logFile,
      '--log-format',
      'json',
      'run',
      '--detach',
      // A keyring a box would count against one quota of the machine.
      '--no-new-keyring',
      '--bundle',
      bundle,
      '--pid-file',
      pidFile,
      boxId,
    ];
  }

  delete(boxId: string): string[] {
    return [this.binary, '--root', this.root, 'delete', '--force', boxId];
  }

  stateDirectory(boxId: string): string {
    return join(this.root, boxId);
  }
}
