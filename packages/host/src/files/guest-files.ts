import { encodeOpen, type OpenInit, type Status, StatusPhase } from '@berth/guest/protocol';
import { type ExtractOptions, type FileInfo, HostError, type WriteFileOptions } from '../contract/index.ts';
import { ByteQueue } from '../link/byte-queue.ts';
import { toHostError } from '../link/guest-error.ts';
import type { GuestLink } from '../link/guest-link.ts';
import { ask } from '../link/request.ts';
import { toFileInfo } from './file-info.ts';
import { maxKeptBytes, UploadWindow, uploadWindowBytes } from './upload-window.ts';

/** Flow-control window of a download. */
export const transferWindowBytes = 1024 * 1024;

const maxPathBytes = 4096;

const cancelledCall = (): HostError => new HostError('cancelled', 'the call was cancelled');

/** @throws HostError `invalidPath` for what can be no path */
const checkPath = (path: string): void => {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > maxPathBytes) {
    throw new HostError('invalidPath', 'the path is empty, longer than 4,096 bytes, or has a NUL in it');
  }
};

const finished = (status: Status): boolean => status.phase === StatusPhase.FINISHED;

/** Files of a box, by its guest: with the rights of a user, relative to that user's home, streamed both ways. */
export class GuestFiles {
  readonly #link: GuestLink;

  constructor(link: GuestLink) {
    this.#link = link;
  }

  async stat(path: string, options: { readonly user?: string } = {}): Promise<FileInfo> {
    checkPath(path);
    const value = { path, user: options.user ?? '', follow: true };
    return toFileInfo((await ask(this.#link, { case: 'stat', value })).file);
  }

  /** Resolves when the file is open; the body comes as it is read. */
  read(
    path: string,
    options: { readonly user?: string } = {},
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    return new Promise((resolve, reject) => {
      checkPath(path);
      if (signal?.aborted === true) {
        throw cancelledCall();
      }
      const payload = encodeOpen({
        stdoutLimit: BigInt(transferWindowBytes),
        request: { case: 'readFile', value: { path, user: options.user ?? '' } },
      });
      const stop = (): void => {
        signal?.removeEventListener('abort', abort);
        link.close(stream);
      };
      const fail = (error: HostError): void => {
        stop();
        reject(error);
        body.fail(error);
      };
      const abort = (): void => fail(cancelledCall());
      const link = this.#link;
      const body = new ByteQueue((takenBytes) => link.acknowledge(stream, 1, takenBytes), stop);
      let last: Status | undefined;
      const endIfDone = (): void => {
        if (last !== undefined && stream.channel(1)?.finalOffset !== undefined) {
          body.end();
        }
      };
      const stream = link.open(
        () => payload,
        { windows: [transferWindowBytes, 0], sends: false, awaited: true },
        {
          status: (status) => {
            if (finished(status) && status.error !== undefined) {
              fail(toHostError(status.error));
              return;
            }
            if (finished(status)) {
              last = status;
              endIfDone();
            }
            if (status.file !== undefined) {
              resolve({ info: toFileInfo(status.file), body });
            }
          },
          data: (_channel, bytes) => body.push(bytes),
          eof: endIfDone,
          lost: fail,
        },
      );
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The file appears whole at the end of `source`, or not at all. */
  async write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    options: WriteFileOptions = {},
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    const value = {
      path,
      user: options.user ?? '',
      mode: options.mode ?? 0,
      makeParents: options.makeParents ?? false,
      nameInDirectory: options.nameInDirectory ?? '',
      place: options.place ?? false,
    };
    return toFileInfo((await this.#upload(path, { case: 'writeFile', value }, source, signal)).file);
  }

  /** The archive is extracted as it comes. */
  async extract(
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: ExtractOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const value = { path, user: options.user ?? '', gzip: options.gzip ?? false, place: options.place ?? false };
    await this.#upload(path, { case: 'tarIn', value }, archive, signal);
  }

  async #upload(
    path: string,
    request: NonNullable<OpenInit['request']>,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<Status> {
    checkPath(path);
    if (signal?.aborted === true) {
      throw cancelledCall();
    }
    const link = this.#link;
    const payload = encodeOpen({ request });
    const answer = Promise.withResolvers<Status>();
    const stream = link.open(
      () => payload,
      { windows: [0, 0], sends: true, awaited: true },
      {
        status: (status) => {
          if (finished(status)) {
            const error = status.error === undefined ? undefined : toHostError(status.error);
            stream.send?.fail(error ?? new HostError('internal', 'the guest wants no more'));
            error === undefined ? answer.resolve(status) : answer.reject(error);
          }
        },
        lost: (error) => answer.reject(error),
      },
    );
    const abort = (): void => {
      stream.send?.fail(cancelledCall());
      answer.reject(cancelledCall());
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const pumped = this.#pump(source, stream);
      pumped.catch((cause: unknown) => {
        answer.reject(
          cause instanceof HostError ? cause : new HostError('cancelled', 'the upload broke off', { cause }),
        );
      });
      return await answer.promise;
    } finally {
      signal?.removeEventListener('abort', abort);
      link.close(stream);
    }
  }

  async #pump(source: AsyncIterable<Uint8Array>, stream: ReturnType<GuestLink['open']>): Promise<void> {
    const { send } = stream;
    if (send === undefined) {
      return;
    }
    const window = new UploadWindow();
    for await (const bytes of source) {
      for (let start = 0; start < bytes.length; start += maxKeptBytes) {
        const piece = bytes.subarray(start, start + maxKeptBytes);
        await send.whenReceived(send.written + piece.length - uploadWindowBytes);
        for (const kept of window.keep(piece)) {
          send.push(kept);
        }
        this.#link.sending(stream);
      }
    }
    send.end();
    this.#link.sending(stream);
  }
}
