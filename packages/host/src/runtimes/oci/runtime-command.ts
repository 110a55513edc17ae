import { join } from 'node:path';
import type { Runtime } from '../runtime.ts';
import { type BundleWish, bundleConfig } from './bundle-config.ts';

/** An OCI runtime that understands runc's command line (runc, crun, youki). */
export class RuntimeCommand implements Runtime {
  readonly binary: string;
  /** Where the runtime keeps its state, one directory a box. */
  readonly root: string;
  readonly holdsWrites = false;
  readonly namesHostOutside = true;
  readonly freezable = true;

  constructor(binary: string, root: string) {
    this.binary = binary;
    this.root = root;
  }

  bundle(wish: BundleWish): object {
    return bundleConfig(wish);
  }

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

  /** The box's init is all there is. */
  async companionPid(): Promise<undefined> {
    return undefined;
  }

  async lastWords(): Promise<string> {
    return '';
  }
}
