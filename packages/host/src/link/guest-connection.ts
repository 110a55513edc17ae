import type { Socket } from 'node:net';
import { type Channel, FrameDecoder } from '@berth/guest/protocol';
import { adoptInPlace } from '../streams/in-place-socket.ts';
import { FrameRate } from './frame-rate.ts';

/**
 * What a connection tells its link. When `frame` or `data` throw, the connection ends; the guest will dial again. The bytes of `data` are valid
 * during the call only.
 */
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

/** What can wait for company waits this long, until it is this much. */
const patienceMs = 5;
const maxWaitingFrames = 64;

/** One connection of a guest: bytes in, frames out, and the other way round. */
export class GuestConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #decoder: FrameDecoder;
  readonly #rate = new FrameRate();
  #frames = 0;
  #resume: NodeJS.Timeout | undefined;
  #corked = false;
  #waiting: Uint8Array[] = [];
  #waitingTimer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Counts chunks read: a heartbeat sees from it that the guest lives. */
  reads = 0;

  /** @param accepted a connection of a server that made it with `pauseOnConnect` */
  constructor(accepted: Socket, events: ConnectionEvents) {
    const reading = adoptInPlace(accepted);
    const { socket } = reading;
    this.#socket = socket;
    this.#events = events;
    this.#decoder = new FrameDecoder({
      frame: (type, channel, streamId, payload) => {
        this.#frames += 1;
        events.frame(type, channel, streamId, Buffer.from(payload));
      },
      data: (streamId, channel, offset, bytes) => {
        this.#frames += 1;
        events.data(streamId, channel, offset, bytes);
      },
    });
    reading.onRead = (bytes) => this.#read(bytes);
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

  /** Sends a frame that nobody waits for, with the next ones or after a moment: it shall not wake the guest alone. */
  writeLater(frame: Uint8Array): void {
    if (this.#closed) {
      return;
    }
    this.#waiting.push(frame);
    if (this.#waiting.length >= maxWaitingFrames) {
      this.write();
    } else {
      this.#waitingTimer ??= setTimeout(() => this.write(), patienceMs);
    }
  }

  /** Sends frames; those of one turn of the event loop go out in one system call. */
  write(...frames: Uint8Array[]): void {
    if (this.#closed) {
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    if (this.#waiting.length > 0) {
      clearTimeout(this.#waitingTimer);
      this.#waitingTimer = undefined;
      this.#socket.write(Buffer.concat(this.#waiting));
      this.#waiting = [];
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
    this.#frames = 0;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#close(error);
      return;
    }
    const waitMs = this.#rate.count(this.#frames, performance.now());
    if (waitMs > 0 && !this.#closed) {
      this.#socket.pause();
      this.#resume ??= setTimeout(() => this.#goOn(), waitMs);
    }
  }

  #goOn(): void {
    this.#resume = undefined;
    if (this.#socket.writableLength < stuffedBytes) {
      this.#socket.resume();
    }
  }

  #drain(): void {
    if (this.#resume === undefined && this.#socket.isPaused()) {
      this.#socket.resume();
    }
    this.#events.drained();
  }

  #close(cause: unknown): void {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#resume);
      clearTimeout(this.#waitingTimer);
      this.#socket.destroy();
      this.#events.closed(cause);
    }
  }
}
