import { HostError } from '../contract/index.ts';
import { dialInPlace } from '../streams/in-place-socket.ts';
import { FrameType } from './frame.ts';
import { Peer } from './peer.ts';
import type { Method } from './requests.ts';

/** A host is trusted with larger answers than a client with requests (a list of 100,000 boxes is 20 MiB). */
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 500;

/** Receives what belongs to one call, until it returns true (the call is over) or the connection is lost. */
export interface CallHandler {
  frame(type: number, payload: Buffer): boolean;
  lost(error: HostError): void;
}

export interface ClientLinkOptions {
  /** How long a call made while disconnected waits for the connection. */
  readonly connectTimeoutMs?: number;
}

/** The connection of one client: dialled again whenever it is lost, until closed. */
export class ClientLink {
  readonly #socketPath: string;
  readonly #connectTimeoutMs: number;
  readonly #calls = new Map<number, CallHandler>();
  readonly #waiting = new Set<(peer: Peer | HostError) => void>();
  #peer: Peer | undefined;
  #lastCallId = 0;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  #lastFailure = 'not connected yet';
  #closed = false;

  constructor(socketPath: string, options: ClientLinkOptions = {}) {
    this.#socketPath = socketPath;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 5_000;
    this.#dial();
  }

  /** The connection, waited for if need be. Rejects with `hostUnavailable`, or `cancelled` when the signal is aborted. */
  async peer(signal?: AbortSignal): Promise<Peer> {
    if (signal?.aborted) {
      throw new HostError('cancelled', 'cancelled before it began');
    }
    if (this.#peer) {
      return this.#peer;
    }
    if (this.#closed) {
      throw new HostError('hostUnavailable', 'this client is closed', { retryable: false });
    }
    return this.#wait(signal);
  }

  /** Sends a call on a connection got by {@link peer} and returns its id. */
  call(peer: Peer, handler: CallHandler, method: Method, args: readonly unknown[], raw?: Uint8Array): number {
    do {
      this.#lastCallId = (this.#lastCallId + 1) >>> 0;
    } while (this.#calls.has(this.#lastCallId));
    const callId = this.#lastCallId;
    if (peer !== this.#peer) {
      throw new HostError('hostUnavailable', 'connection lost');
    }
    const json = JSON.stringify([method, ...args]);
    const jsonBytes = Buffer.byteLength(json);
    const payload = Buffer.allocUnsafe(4 + jsonBytes + (raw?.byteLength ?? 0));
    payload.writeUInt32LE(jsonBytes, 0);
    payload.write(json, 4);
    if (raw) {
      payload.set(raw, 4 + jsonBytes);
    }
    this.#calls.set(callId, handler);
    peer.send(FrameType.call, callId, payload);
    return callId;
  }

  /** Tells the host that nobody waits for the call any more. */
  cancel(callId: number): void {
    if (this.#calls.delete(callId)) {
      this.#peer?.sendEmpty(FrameType.cancel, callId);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    const error = new HostError('hostUnavailable', 'this client is closed', { retryable: false });
    this.#peer?.close(error);
    this.#wakeAll(error);
  }

  #wait(signal: AbortSignal | undefined): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const settle = (result: Peer | HostError) => {
        this.#waiting.delete(settle);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (result instanceof HostError) {
          reject(result);
        } else {
          resolve(result);
        }
      };
      const onAbort = () => settle(new HostError('cancelled', 'cancelled while waiting for the host'));
      const timer = setTimeout(
        () => settle(new HostError('hostUnavailable', `host does not answer: ${this.#lastFailure}`)),
        this.#connectTimeoutMs,
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(settle);
    });
  }

  #dial(): void {
    const connection = dialInPlace(this.#socketPath);
    const { socket } = connection;
    const failed = (error: Error) => {
      this.#lastFailure = error.message;
      socket.destroy();
      this.#dialLater();
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      if (this.#closed) {
        socket.destroy();
        return;
      }
      this.#established(
        new Peer(
          connection,
          MAX_RESPONSE_BYTES,
          {
            frame: (type, callId, payload) => this.#frame(type, callId, payload),
            lost: (error) => this.#lost(error),
          },
          false,
        ),
      );
    });
  }

  #established(peer: Peer): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#peer = peer;
    this.#wakeAll(peer);
  }

  #wakeAll(result: Peer | HostError): void {
    for (const settle of this.#waiting) {
      settle(result);
    }
  }

  #frame(type: number, callId: number, payload: Buffer): void {
    const handler = this.#calls.get(callId);
    if (handler?.frame(type, payload)) {
      this.#calls.delete(callId);
    }
  }

  #lost(error: HostError): void {
    this.#peer = undefined;
    this.#lastFailure = error.message;
    const handlers = [...this.#calls.values()];
    this.#calls.clear();
    this.#dialLater();
    for (const handler of handlers) {
      handler.lost(error);
    }
  }

  #dialLater(): void {
    if (this.#closed) {
      return;
    }
    this.#retryTimer = setTimeout(() => this.#dial(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
