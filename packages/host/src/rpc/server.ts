import { createServer, type Server, type Socket } from 'node:net';
import { type Host, HostError } from '../contract/index.ts';
import { adoptInPlace } from '../streams/in-place-socket.ts';
import { FrameType } from './frame.ts';
import { invoke } from './handlers.ts';
import { Peer } from './peer.ts';
import { isMethod } from './requests.ts';
import { ServerCall } from './server-call.ts';
import { toWire } from './wire-error.ts';

/** Largest frame that a client may send: a command of the greatest length that the API takes (8 MiB), every character of it escaped. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** Long waits are calls too; a client with more than these is out of control. */
const MAX_CALLS = 65_536;

export interface HostServerOptions {
  /** Told of failures that are not HostErrors: faults of the host itself. */
  readonly onFault?: (method: string, error: unknown) => void;
}

/** Serves a host to clients on a Unix socket. Does not own the host. */
export class HostServer {
  readonly #host: Host;
  readonly #options: HostServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  constructor(host: Host, options: HostServerOptions = {}) {
    this.#host = host;
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when clients can connect. */
  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socketPath, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Stops serving: calls in flight are lost to their clients, what they began goes on. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.dropConnections();
    await closed;
  }

  /** Ends every connection; clients connect again. */
  dropConnections(): void {
    for (const connection of this.#connections) {
      connection.close();
    }
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#host, this.#options, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }
}

class Connection {
  readonly #peer: Peer;
  readonly #host: Host;
  readonly #options: HostServerOptions;
  readonly #calls = new Map<number, ServerCall>();

  constructor(socket: Socket, host: Host, options: HostServerOptions, onLost: () => void) {
    this.#host = host;
    this.#options = options;
    this.#peer = new Peer(adoptInPlace(socket), MAX_REQUEST_BYTES, {
      frame: (type, callId, payload) => this.#frame(type, callId, payload),
      lost: (error) => {
        onLost();
        for (const call of this.#calls.values()) {
          call.cancel(error);
        }
      },
    });
  }

  close(): void {
    this.#peer.close(new HostError('hostUnavailable', 'the host stops serving'));
  }

  #frame(type: number, callId: number, payload: Buffer): void {
    const call = this.#calls.get(callId);
    if (type === FrameType.call) {
      if (call) {
        throw new RangeError(`call ${callId} is in use`);
      }
      this.#start(callId, payload);
    } else if (call && !call.frame(type, payload)) {
      throw new RangeError(`frame of type ${type} out of place`);
    }
  }

  #start(callId: number, payload: Buffer): void {
    const jsonEnd = 4 + payload.readUInt32LE(0);
    const request: unknown = JSON.parse(payload.toString('utf8', 4, jsonEnd));
    const [method, ...args] = Array.isArray(request) ? request : [];
    const call = new ServerCall(this.#peer, callId, Buffer.from(payload.subarray(jsonEnd)));
    if (!isMethod(method)) {
      call.fail(new HostError('internal', 'unknown method'));
    } else if (this.#calls.size >= MAX_CALLS) {
      call.fail(new HostError('hostUnavailable', `more than ${MAX_CALLS} calls at once`));
    } else {
      this.#calls.set(callId, call);
      void this.#run(call, method, args);
    }
  }

  async #run(call: ServerCall, method: Parameters<typeof invoke>[2], args: unknown[]): Promise<void> {
    try {
      call.succeed(await invoke(this.#host, call, method, args));
    } catch (error) {
      if (toWire(error).code === 'internal') {
        this.#options.onFault?.(method, error);
      }
      call.fail(error);
    } finally {
      this.#calls.delete(call.id);
    }
  }
}
