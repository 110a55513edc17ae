import { execFile } from 'node:child_process';
import { close as closeFile, constants, open as openFile } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const open = promisify(openFile);
const close = promisify(closeFile);

/**
 * Named pipes between the host and one sandbox. What goes through them is in memory alone, and a reader that is slow, or gone, holds or ends whoever
 * writes.
 */
export class BuildPipes {
  readonly directory: string;
  #keeper: number | undefined;
  #reader: Socket | undefined;
  #sender: Socket | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes them, owned by root of the sandbox, and begins to read the log. */
  async open(ownerBase: number, take: (bytes: Buffer) => void): Promise<void> {
    await mkdir(this.directory, { mode: 0o711 });
    const paths = [join(this.directory, 'log'), join(this.directory, 'secrets')];
    await run('mkfifo', ['-m', '600', ...paths]);
    await run('chown', [`${ownerBase}:${ownerBase}`, ...paths]);
    const [log = ''] = paths;
    const reading = await open(log, constants.O_RDONLY | constants.O_NONBLOCK);
    // Without a writer of its own the reader would be at the end before the sandbox has begun.
    this.#keeper = await open(log, constants.O_WRONLY | constants.O_NONBLOCK);
    this.#reader = new Socket({ fd: reading, readable: true, writable: false });
    this.#reader.on('data', take);
    this.#reader.on('error', () => undefined);
  }

  /** Resolves when the sandbox has taken it. */
  async send(lines: string): Promise<void> {
    // Opened for both, it does not fail while nobody reads.
    const fd = await open(join(this.directory, 'secrets'), constants.O_RDWR | constants.O_NONBLOCK);
    const socket = new Socket({ fd, readable: false, writable: true });
    this.#sender = socket;
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.write(lines, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** No process of the sandbox is left: resolves when all that it said was taken. */
  async drain(timeoutMs: number): Promise<void> {
    this.#sender?.destroy();
    const reader = this.#reader;
    if (reader !== undefined && !reader.destroyed) {
      const ended = new Promise<void>((resolve) => reader.once('close', () => resolve()));
      const timer = setTimeout(() => reader.destroy(), timeoutMs);
      await this.#closeKeeper();
      await ended;
      clearTimeout(timer);
    }
    await this.#closeKeeper();
  }

  async #closeKeeper(): Promise<void> {
    const keeper = this.#keeper;
    this.#keeper = undefined;
    if (keeper !== undefined) {
      await close(keeper);
    }
  }
}
