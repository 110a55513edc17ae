import type { ExtractOptions, FileInfo, WriteFileOptions } from '../contract/index.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { BoxLogs } from '../logs/box-logs.ts';
import { GuestFiles } from './guest-files.ts';

const maxShownPath = 1_000;

/** The calls of the Host contract on files of one box; each read and write leaves an entry in the box's log. */
export class FileCalls {
  readonly #link: () => GuestLink;
  readonly #logs: BoxLogs;

  /** @param link the box's link, or a throw when the box is not running */
  constructor(link: () => GuestLink, logs: BoxLogs) {
    this.#link = link;
    this.#logs = logs;
  }

  async stat(path: string, options?: { readonly user?: string }): Promise<FileInfo> {
    return new GuestFiles(this.#link()).stat(path, options);
  }

  async read(
    path: string,
    options?: { readonly user?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    const files = new GuestFiles(this.#link());
    return this.#logged(
      'read',
      path,
      () => files.read(path, options, signal),
      ({ info }) => info,
    );
  }

  async write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options?: WriteFileOptions,
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    const files = new GuestFiles(this.#link());
    return this.#logged(
      'write',
      path,
      () => files.write(path, body, options, signal),
      (info) => info,
    );
  }

  async extract(
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options?: ExtractOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    const files = new GuestFiles(this.#link());
    let sizeBytes = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of archive) {
        sizeBytes += piece.byteLength;
        yield piece;
      }
    };
    await this.#logged(
      'extract into',
      path,
      () => files.extract(path, counted(), options, signal),
      () => ({ sizeBytes }),
    );
  }

  async #logged<T>(
    verb: string,
    path: string,
    run: () => Promise<T>,
    infoOf: (result: T) => Pick<FileInfo, 'sizeBytes'>,
  ): Promise<T> {
    const shown = path.slice(0, maxShownPath);
    try {
      const result = await run();
      this.#logs.append({
        level: 'info',
        source: 'files',
        message: `${verb} ${shown} (${infoOf(result).sizeBytes} bytes)`,
      });
      return result;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'failed';
      this.#logs.append({ level: 'warn', source: 'files', message: `${verb} ${shown}: ${reason}` });
      throw error;
    }
  }
}
