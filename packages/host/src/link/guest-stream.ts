import type { Status } from '@berth/guest/protocol';
import type { HostError } from '../contract/index.ts';
import { ReceiveChannel } from './receive-channel.ts';
import { SendChannel } from './send-channel.ts';

export type OutputChannel = 1 | 2;

/** What the owner of a stream hears of it. None may throw. */
export interface StreamEvents {
  /** The present state; repeated after each reconnect. */
  status(status: Status): void;
  /** Bytes in order, each once; valid during the call only. Acknowledge them by `GuestLink.acknowledge` when they are safe. */
  data?(channel: OutputChannel, bytes: Buffer): void;
  /** The channel has ended; all its bytes were handed over before. */
  eof?(channel: OutputChannel): void;
  /** The guest holds the stream and has said how much of channel 0 it took. */
  attached?(): void;
  /** The stream is gone without an end: the box ended, or its guest forgot it. */
  lost(error: HostError): void;
}

export interface StreamShape {
  /** Receive windows of channels 1 and 2; 0 where the stream has none. */
  readonly windows: readonly [number, number];
  /** Offsets of channels 1 and 2 that are safe already (after a restart of the host). */
  readonly received?: readonly [number, number];
  /** The host sends on channel 0. */
  readonly sends: boolean;
  /** May be opened before the guest is configured. */
  readonly urgent?: boolean;
  /** A stream of an earlier life of the host: the guest probably holds it. */
  readonly adopted?: boolean;
  /** Somebody waits for an answer: the guest's silence is to be noticed. */
  readonly awaited?: boolean;
}

/** The host's end of one logical stream; it outlives connections. Made by `GuestLink`. */
export class GuestStream {
  readonly events: StreamEvents;
  readonly shape: StreamShape;
  /** Makes the `Open` anew each time it is sent; it must be the same each time. */
  readonly encodeOpen: () => Uint8Array;
  readonly receive: readonly [ReceiveChannel | undefined, ReceiveChannel | undefined];
  readonly send: SendChannel | undefined;
  id: number;
  /** The guest has shown that it has the stream: opening it again could run something twice. */
  confirmed = false;
  /** OPEN was sent, or the stream listed, on the present connection. */
  present = false;
  /** Channel 0 offsets of an adopted stream are known. */
  attached: boolean;
  closed = false;

  constructor(id: number, encodeOpen: () => Uint8Array, shape: StreamShape, events: StreamEvents) {
    this.id = id;
    this.encodeOpen = encodeOpen;
    this.shape = shape;
    this.events = events;
    const channel = (index: 0 | 1): ReceiveChannel | undefined =>
      shape.windows[index] > 0 ? new ReceiveChannel(shape.windows[index], shape.received?.[index]) : undefined;
    this.receive = [channel(0), channel(1)];
    this.send = shape.sends ? new SendChannel() : undefined;
    this.attached = shape.adopted !== true;
  }

  channel(channel: OutputChannel): ReceiveChannel | undefined {
    return this.receive[channel === 1 ? 0 : 1];
  }

  /** Whether the guest owes an answer. */
  get waiting(): boolean {
    return !this.closed && (this.shape.awaited === true || !this.confirmed || this.send?.waiting === true);
  }
}
