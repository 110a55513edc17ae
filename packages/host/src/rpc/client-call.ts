import { HostError } from '../contract/index.ts';
import { IncomingStream, OutgoingStream } from './byte-stream.ts';
import type { CallHandler, ClientLink } from './client-link.ts';
import { FrameType } from './frame.ts';
import type { Method } from './requests.ts';
import { fromWire } from './wire-error.ts';

/** Result of a call without streams. The host is trusted to answer in the shape of its contract. */
export async function callOnce<Result>(
  link: ClientLink,
  method: Method,
  args: readonly unknown[],
  options: { readonly signal?: AbortSignal | undefined; readonly raw?: Uint8Array } = {},
): Promise<Result> {
  const { signal, raw } = options;
  const peer = await link.peer(signal);
  return new Promise<Result>((resolve, reject) => {
    const settled = () => signal?.removeEventListener('abort', onAbort);
    const callId = link.call(
      peer,
      {
        frame: (type, payload) => {
          settled();
          if (type === FrameType.result) {
            resolve(parse(payload));
          } else {
            reject(fromWire(payload));
          }
          return true;
        },
        lost: (error) => {
          settled();
          reject(error);
        },
      },
      method,
      args,
      raw,
    );
    const onAbort = () => {
      link.cancel(callId);
      reject(new HostError('cancelled', `${method} was cancelled`));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function parse<Result>(payload: Buffer): Result {
  return payload.length === 0 ? (undefined as Result) : JSON.parse(payload.toString());
}

/** A call with a head, items or bytes. `head` and `result` reject when the call fails. */
export class StreamingCall<Head, Result> implements CallHandler {
  readonly incoming: IncomingStream;
  readonly outgoing: OutgoingStream;
  readonly head: Promise<Head>;
  readonly result: Promise<Result>;
  readonly #head = Promise.withResolvers<Head>();
  readonly #result = Promise.withResolvers<Result>();
  readonly #link: ClientLink;
  readonly #signal: AbortSignal | undefined;
  readonly #callId: number;
  readonly #endData: () => void;

  private constructor(
    link: ClientLink,
    peer: Awaited<ReturnType<ClientLink['peer']>>,
    method: Method,
    args: readonly unknown[],
    signal: AbortSignal | undefined,
  ) {
    this.#link = link;
    this.#signal = signal;
    this.head = this.#head.promise;
    this.result = this.#result.promise;
    // Whoever awaits only one of the two must not be hit by the other's rejection.
    this.head.catch(() => undefined);
    this.result.catch(() => undefined);
    this.#callId = link.call(peer, this, method, args);
    this.#endData = () => peer.sendEmpty(FrameType.end, this.#callId);
    this.incoming = new IncomingStream(peer, this.#callId, () => this.cancel());
    this.outgoing = new OutgoingStream(peer, this.#callId);
    signal?.addEventListener('abort', this.cancel, { once: true });
  }

  static async open<H, R>(
    link: ClientLink,
    method: Method,
    args: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<StreamingCall<H, R>> {
    const peer = await link.peer(signal);
    return new StreamingCall<H, R>(link, peer, method, args, signal);
  }

  /** No more bytes from here. */
  endData(): void {
    this.#endData();
  }

  readonly cancel = (): void => {
    this.#link.cancel(this.#callId);
    this.#over(new HostError('cancelled', 'the call was cancelled'));
  };

  frame(type: number, payload: Buffer): boolean {
    switch (type) {
      case FrameType.head:
        this.#head.resolve(parse(payload));
        return false;
      case FrameType.item:
        this.incoming.pushItem(payload);
        return false;
      case FrameType.data:
        this.incoming.push(payload);
        return false;
      case FrameType.end:
        this.incoming.end();
        return false;
      case FrameType.credit:
        this.outgoing.grant(payload.readUInt32LE(0));
        return false;
      case FrameType.result:
        this.#result.resolve(parse(payload));
        this.incoming.end();
        this.#over(new HostError('cancelled', 'the call is over'));
        return true;
      default:
        this.#over(fromWire(payload));
        return true;
    }
  }

  lost(error: HostError): void {
    this.#over(error);
  }

  #over(error: HostError): void {
    this.#signal?.removeEventListener('abort', this.cancel);
    this.#head.reject(error);
    this.#result.reject(error);
    this.incoming.fail(error);
    this.outgoing.fail(error);
  }
}
