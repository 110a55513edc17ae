import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuntimeCall } from '../../helper/protocol.ts';
import type { BundleWish } from '../oci/bundle-config.ts';
import type { MemoryCommands, Runtime, RuntimeStep } from '../runtime.ts';
import { sandboxConfig } from './bundle-config.ts';
import { checkpointCall, pauseCall, unpauseCall } from './sandbox-calls.ts';

const MAX_LAST_WORDS = 400;

/** Command lines of runsc, whose sandbox is a kernel of its own in user space. */
export class RunscCommand implements Runtime {
  readonly binary: string;
  readonly root: string;
  readonly holdsWrites = true;
  readonly namesHostOutside = false;
  readonly freezable = false;

  readonly #commandsOnly: boolean;

  /** With `commandsOnly` a sandbox is never asked for anything but by runsc itself. */
  constructor(binary: string, root: string, { commandsOnly = false }: { readonly commandsOnly?: boolean } = {}) {
    this.binary = binary;
    this.root = root;
    this.#commandsOnly = commandsOnly;
  }

  bundle(wish: BundleWish): object {
    return sandboxConfig(wish);
  }

  run(boxId: string, bundle: string, pidFile: string, logFile: string): string[] {
    const files = [...jsonLog(logFile), '--panic-log', panicLog(bundle)];
    return [...this.#flags(boxId), ...files, 'run', '--detach', '--bundle', bundle, '--pid-file', pidFile, boxId];
  }

  readonly memory: MemoryCommands = {
    pause: (boxId, logFile) =>
      this.#step([...this.#flags(boxId), ...jsonLog(logFile), 'pause', boxId], pauseCall(this.#stateFile(boxId))),
    unpause: (boxId, logFile) =>
      this.#step([...this.#flags(boxId), ...jsonLog(logFile), 'resume', boxId], unpauseCall(this.#stateFile(boxId))),
    believe: async (boxId, status) => {
      const path = this.#stateFile(boxId);
      const state = { ...JSON.parse(await readFile(path, 'utf8')), status };
      await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    checkpoint: (boxId, directory, logFile, direct) => {
      const options = ['--leave-running', '--compression=none', `--direct=${direct}`, '--image-path', directory];
      return this.#step(
        [...this.#flags(boxId), ...jsonLog(logFile), 'checkpoint', ...options, boxId],
        checkpointCall(this.#stateFile(boxId), directory, direct),
      );
    },
    pages: (directory) => join(directory, 'pages.img'),
    restore: (boxId, directory, bundle, pidFile, logFile) => [
      ...this.#flags(boxId),
      ...jsonLog(logFile),
      '--panic-log',
      panicLog(bundle),
      // The range of owners outside may be another one; nothing inside knows of it.
      '--restore-spec-validation=ignore',
      'restore',
      '--detach',
      // The processes go on while what they have not touched yet is read; the image may be unlinked meanwhile.
      '--background',
      '--image-path',
      directory,
      '--bundle',
      bundle,
      '--pid-file',
      pidFile,
      boxId,
    ],
  };

  delete(boxId: string): string[] {
    return [...this.#flags(boxId), 'delete', '--force', boxId];
  }

  stateDirectory(boxId: string): string {
    return join(this.root, boxId);
  }

  /** The gofer, which opens files for the sandbox. */
  async companionPid(boxId: string): Promise<number | undefined> {
    const { goferPid } = JSON.parse(await readFile(this.#stateFile(boxId), 'utf8'));
    return typeof goferPid === 'number' && goferPid > 1 ? goferPid : undefined;
  }

  async lastWords(bundle: string): Promise<string> {
    const text = await readFile(panicLog(bundle), 'utf8').catch(() => '');
    return text.trim().split('\n')[0]?.slice(0, MAX_LAST_WORDS) ?? '';
  }

  #step(runtime: string[], call: RuntimeCall): RuntimeStep {
    return this.#commandsOnly ? { runtime } : { runtime, call };
  }

  #stateFile(boxId: string): string {
    return join(this.stateDirectory(boxId), `${boxId}_sandbox:${boxId}.state`);
  }

  #flags(boxId: string): string[] {
    return [
      this.binary,
      // One directory a box, so that its state goes with it.
      '--root',
      this.stateDirectory(boxId),
      '--platform=systrap',
      '--network=sandbox',
      '--gofer-network-namespace=new',
      // What the box writes belongs on its disk, in the overlay that the host made.
      '--overlay2=none',
      // The guest dials the host.
      '--host-uds=open',
      // sudo; what it can gain ends at the sandbox.
      '--allow-suid',
      // The cpuset says it.
      '--cpu-num-from-quota=false',
      '--host-settings=ignore',
    ];
  }
}

const jsonLog = (logFile: string) => ['--log', logFile, '--log-format', 'json'];

const panicLog = (bundle: string) => join(bundle, 'panic.log');
