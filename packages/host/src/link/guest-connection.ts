import type { Socket } from 'node:net';
import { type Channel, FrameDecoder } from '@berth/guest/protocol';

/** What a connection tells its link. When `frame` or `data` throw, the connection ends; the guest will dial again. */
export interface ConnectionEvents {
  frame(type: number, channel: Channel, streamId: number, payload: Buffer): void;
  data(streamId: number, channel: Channel, offset: number, bytes: Buffer): void;
  /** There is room to send again. */
  drained(): void;
  /** Once, at the end; `cause` is what was thrown, if anything was. */
  closed(cause: unknown): void;
}

/** Bytes waiting to be sent above which data has to wait. */
const busyBytes = 1024 * 1024;

/** Bytes waiting to be sent above which nothing more is read: a guest that asks without listening has to wait. */
const stuffedBytes = 32 * 1024 * 1024;

/** One connection of a guest: bytes in, frames out, and the other way round. */
export class GuestConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #decoder: FrameDecoder;
  #corked = false;
  #closed = false;
  /** Counts chunks read: a heartbeat sees from it that the guest lives. */
  reads = 0;

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#decoder = new FrameDecoder(events);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drain());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#close(undefined));
    socket.on('end', () => socket.end());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Data has to wait for `drained`. */
  get busy(): boolean {
    return this.#closed || this.#socket.writableLength >= busyBytes;
  }

  /** Sends frames; those of one turn of the event loop go out in one system call. */
  write(...frames: Uint8Array[]): void {
    if (this.#closed) {
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    for (const frame of frames) {
      this.#socket.write(frame);
    }
    if (this.#socket.writableLength >= stuffedBytes) {
      this.#socket.pause();
    }
  }

  destroy(): void {
    this.#close(undefined);
  }

  #read(chunk: Buffer): void {
    if (this.#closed) {
      return;
    }
    this.reads += 1;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#close(error);
    }
  }

  #drain(): void {
    if (this.#socket.isPaused()) {
      this.#socket.resume();
    }
    this.#events.drained();
  }

  #close(cause: unknown): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#socket.destroy();
      this.#events.closed(cause);
    }
  }
}
