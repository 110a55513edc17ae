import type { Socket } from 'node:net';
import { HostError } from '../contract/index.ts';
import type { InPlaceSocket } from '../streams/in-place-socket.ts';
import { encodeFrame, encodeHeader, FrameReader, FrameType, PROTOCOL_VERSION } from './frame.ts';

/** What a peer hands its frames to. Payloads are valid during the call only. */
export interface PeerHandler {
  frame(type: number, callId: number, payload: Buffer): void;
  /** Called once, when the connection is over. */
  lost(error: HostError): void;
}

const COPY_BELOW_BYTES = 4096;
const CONGESTED_BYTES = 1024 * 1024;
/** Answers that wait for a client who does not read; past this no more of its calls are read. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** One end of a connection: frames in and out, written in one system call per turn of the event loop. */
export class Peer {
  readonly #socket: Socket;
  #handler: PeerHandler | undefined;
  #greeted = false;
  #corked = false;
  #over = false;
  #waiting: Array<() => void> = [];

  /** `patient` is false for a client, which always reads: if both ends could stop reading, both could stop for ever. */
  constructor(connection: InPlaceSocket, maxPayloadBytes: number, handler: PeerHandler, patient = true) {
    const { socket } = connection;
    this.#socket = socket;
    this.#handler = handler;
    const reader = new FrameReader(maxPayloadBytes, (type, callId, payload) => this.#receive(type, callId, payload));
    connection.onRead = (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        this.close(new HostError('hostUnavailable', `protocol breach: ${String(error)}`, { cause: error }));
      }
      if (patient && socket.writableLength > MAX_WAITING_BYTES) {
        socket.pause();
      }
    };
    socket.on('drain', () => {
      socket.resume();
      this.#drain();
    });
    socket.on('error', (error) => this.close(new HostError('hostUnavailable', `connection lost: ${error.message}`)));
    socket.on('close', () => this.close(new HostError('hostUnavailable', 'connection lost')));
    this.#write(encodeFrame(FrameType.hello, 0, JSON.stringify({ protocol: PROTOCOL_VERSION })));
  }

  /** More than a comfortable amount waits for the socket: senders of bulk data hold back. */
  get congested(): boolean {
    return this.#socket.writableLength > CONGESTED_BYTES;
  }

  /** Resolves when the socket has taken what waited, or is gone. */
  drained(): Promise<void> {
    if (this.#over || !this.#socket.writableNeedDrain) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(type: FrameType, callId: number, payload: Uint8Array): void {
    if (payload.byteLength < COPY_BELOW_BYTES) {
      this.#write(encodeFrame(type, callId, '', payload));
    } else {
      this.#write(encodeHeader(type, callId, payload.byteLength));
      this.#write(payload);
    }
  }

  /** The same for bytes that the caller wants back: resolves when they are with the socket, or the connection is gone. */
  sendLent(type: FrameType, callId: number, payload: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over) {
        resolve();
        return;
      }
      this.#write(encodeHeader(type, callId, payload.byteLength));
      this.#write(payload, () => resolve());
      this.#uncork();
    });
  }

  /** Sends a value as JSON; `undefined` as nothing. */
  sendJson(type: FrameType, callId: number, value: unknown): void {
    this.#write(encodeFrame(type, callId, value === undefined ? '' : JSON.stringify(value)));
  }

  sendEmpty(type: FrameType, callId: number): void {
    this.#write(encodeFrame(type, callId));
  }

  close(error: HostError): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#socket.destroy();
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.lost(error);
    this.#drain();
  }

  #receive(type: number, callId: number, payload: Buffer): void {
    if (this.#over) {
      return;
    }
    if (this.#greeted) {
      this.#handler?.frame(type, callId, payload);
      return;
    }
    const protocol = type === FrameType.hello ? readProtocol(payload) : undefined;
    if (protocol !== PROTOCOL_VERSION) {
      throw new RangeError(`the other side speaks protocol ${protocol ?? 'unknown'}, this one ${PROTOCOL_VERSION}`);
    }
    this.#greeted = true;
  }

  #write(bytes: Uint8Array, done?: () => void): void {
    if (this.#over) {
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => this.#uncork());
    }
    this.#socket.write(bytes, done);
  }

  #uncork(): void {
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    }
  }

  #drain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) {
      wake();
    }
  }
}

function readProtocol(payload: Buffer): number | undefined {
  const hello: unknown = JSON.parse(payload.toString());
  if (typeof hello === 'object' && hello !== null && 'protocol' in hello && typeof hello.protocol === 'number') {
    return hello.protocol;
  }
  return undefined;
}
