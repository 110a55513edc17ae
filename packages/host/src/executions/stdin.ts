import { HostError } from '../contract/index.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';
import type { Bell } from './bell.ts';

/** Bytes kept on their way to a process above which further writers wait. */
const maxHeldBytes = 1024 * 1024;
const chunkBytes = 256 * 1024;

export interface StdinOptions {
  /** Rung when the stream is attached. */
  readonly bell: Bell;
  /** It was closed in an earlier life of the host. */
  readonly closed: boolean;
  /** Writes down that it is closed. */
  readonly onClosed: () => void;
}

/** The way into a process: writes in order of their calls, each done when the guest has taken its bytes. */
export class Stdin {
  readonly #options: StdinOptions;
  #link: GuestLink | undefined;
  #stream: GuestStream | undefined;
  #closed: boolean;
  #failure: HostError | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: StdinOptions) {
    this.#options = options;
    this.#closed = options.closed;
  }

  connect(link: GuestLink, stream: GuestStream): void {
    this.#link = link;
    this.#stream = stream;
    if (this.#closed) {
      stream.send?.end();
    }
  }

  /** @throws HostError `stdinClosed`, also when the process ends before it took the bytes */
  write(bytes: Uint8Array, end: boolean): Promise<void> {
    if (this.#closed || this.#failure !== undefined) {
      return Promise.reject(this.#failure ?? new HostError('stdinClosed', 'stdin has been closed'));
    }
    this.#closed = end;
    const done = this.#last.then(() => this.#deliver(new Uint8Array(bytes), end));
    this.#last = done.catch(() => undefined);
    return done;
  }

  fail(error: HostError): void {
    this.#failure ??= error;
    this.#stream?.send?.fail(error);
  }

  async #deliver(bytes: Uint8Array, end: boolean): Promise<void> {
    const { link, stream, send } = await this.#attached();
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      await send.whenReceived(send.written - maxHeldBytes);
      send.push(bytes.subarray(start, start + chunkBytes));
      link.sending(stream);
    }
    await send.whenReceived(send.written);
    if (end) {
      this.#options.onClosed();
      send.end();
      link.sending(stream);
    }
  }

  async #attached() {
    for (;;) {
      if (this.#failure !== undefined) {
        throw this.#failure;
      }
      const send = this.#stream?.send;
      if (this.#link !== undefined && this.#stream?.attached === true && send !== undefined) {
        return { link: this.#link, stream: this.#stream, send };
      }
      await this.#options.bell.wait();
    }
  }
}
