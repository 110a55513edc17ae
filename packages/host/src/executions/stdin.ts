import { HostError } from '../contract/index.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';
import type { Bell } from './bell.ts';

/** Bytes kept on their way to a process above which further writers wait. */
const maxHeldBytes = 1024 * 1024;
const chunkBytes = 256 * 1024;
/** Writes that are recognised when they are asked for again. */
const maxTokens = 256;

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
  readonly #taken = new Map<string, Promise<void>>();

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

  /**
   * A write with the token of an earlier one is that one.
   * @throws HostError `stdinClosed`, also when the process ends before it took the bytes
   */
  write(bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    const earlier = token === undefined ? undefined : this.#taken.get(token);
    if (earlier !== undefined) {
      return earlier;
    }
    if (this.#closed || this.#failure !== undefined) {
      return Promise.reject(this.#failure ?? new HostError('stdinClosed', 'stdin has been closed'));
    }
    this.#closed = end;
    const done = this.#last.then(() => this.#deliver(new Uint8Array(bytes), end));
    this.#last = done.catch(() => undefined);
    if (token !== undefined) {
      this.#remember(token, done);
    }
    return done;
  }

  #remember(token: string, done: Promise<void>): void {
    this.#taken.set(token, done);
    const [oldest] = this.#taken.keys();
    if (this.#taken.size > maxTokens && oldest !== undefined) {
      this.#taken.delete(oldest);
    }
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
