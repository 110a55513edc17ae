import type { Socket } from 'node:net';
import {
  type Channel,
  decodeStatus,
  encodeCredit,
  encodeFrame,
  encodeOpenFrames,
  FrameType,
  ProtocolBreach,
  readUint64,
} from '@berth/guest/protocol';
import { HostError } from '../contract/index.ts';
import { BreachCounter } from './breach-counter.ts';
import { GuestConnection } from './guest-connection.ts';
import { GuestStream, type OutputChannel, type StreamEvents, type StreamShape } from './guest-stream.ts';
import { hostHello, readGuestHello } from './handshake.ts';
import { Heartbeat } from './heartbeat.ts';
import { SendQueue } from './send-queue.ts';
import { takeCredit, takeData, takeEof } from './stream-frames.ts';
import { forgottenByGuest, type Reattach, StreamTable } from './stream-table.ts';

export interface LinkEvents {
  /** A guest has introduced itself. Throwing ends the connection. */
  hello(bootId: string): void;
  /** Finds the stream of an Exec listed under an id of an earlier life. */
  reattach: Reattach;
  /** Streams have been compared: everything flows. */
  up(): void;
  /** Five breaches within a minute. */
  breach(detail: string): void;
  /** Something went wrong on the host's side, and the connection was dropped so that it is tried again. */
  failed(error: unknown): void;
}

type Phase = 'hello' | 'listing' | 'up';

/** A connection and how far its handshake has come. */
interface Attempt {
  readonly connection: GuestConnection;
  phase: Phase;
}

const handshakeTimeoutMs = 10_000;
const maxPending = 4;

/**
 * The host's end of the guest link of one box: logical streams over whatever connection the guest has dialled last (PROTOCOL.md). Connections
 * come and go; streams end only by `close`, by the guest forgetting them, or by `end`.
 */
export class GuestLink {
  readonly #events: LinkEvents;
  readonly #table: StreamTable;
  readonly #breaches = new BreachCounter();
  readonly #heartbeat: Heartbeat;
  readonly #sending = new SendQueue();
  readonly #pending = new Set<Attempt>();
  #current: Attempt | undefined;
  #bootId: string | undefined;
  #gateOpen = false;
  #ended: HostError | undefined;
  #onDown: (() => void) | undefined;

  /**
   * @param epoch number of this life of the host for this box
   * @param bootId of the guest that answered in an earlier life; streams of another one are gone
   */
  constructor(epoch: number, bootId: string | undefined, events: LinkEvents) {
    this.#bootId = bootId;
    this.#events = events;
    this.#table = new StreamTable(epoch, events.reattach);
    this.#heartbeat = new Heartbeat({
      waiting: () => this.connected && [...this.#table.all()].some((stream) => stream.present && stream.waiting),
      reads: () => this.#current?.connection.reads ?? 0,
      ping: () => this.#current?.connection.write(encodeFrame(FrameType.ping, 0, Buffer.alloc(8))),
      dead: () => this.#current?.connection.destroy(),
    });
  }

  get connected(): boolean {
    return this.#current?.phase === 'up';
  }

  /** Lets streams that are not `urgent` be opened: the guest is configured. */
  openGate(): void {
    this.#gateOpen = true;
    for (const stream of this.#table.all()) {
      this.#start(stream);
    }
  }

  closeGate(): void {
    this.#gateOpen = false;
  }

  /** Opens a stream, now or as soon as the guest is there. @throws HostError after `end` */
  open(encodeOpen: (id: number) => Uint8Array, shape: StreamShape, events: StreamEvents, id?: number): GuestStream {
    if (this.#ended !== undefined) {
      throw this.#ended;
    }
    const stream = new GuestStream(id ?? this.nextId(), () => encodeOpen(stream.id), shape, events);
    this.#table.add(stream);
    if (shape.adopted !== true) {
      this.#start(stream);
    }
    return stream;
  }

  /** An id for a stream that is written down before it is opened. */
  nextId(): number {
    return this.#table.nextId();
  }

  /** Everything of this channel below `received` is safe. */
  acknowledge(stream: GuestStream, channel: OutputChannel, received: number): void {
    const side = stream.channel(channel);
    if (side?.acknowledge(received) === true && stream.present) {
      this.#current?.connection.write(encodeCredit(stream.id, channel, received, side.limit));
    }
  }

  /** Bytes or the end were added to channel 0. */
  sending(stream: GuestStream): void {
    if (!stream.closed) {
      this.#sending.add(stream);
      this.#pump();
      this.#heartbeat.wake();
    }
  }

  /** Makes the guest forget the stream; one that is unfinished and no execution is cancelled. */
  close(stream: GuestStream): void {
    if (stream.closed) {
      return;
    }
    stream.closed = true;
    this.#table.remove(stream);
    this.#sending.delete(stream);
    if (stream.present && this.connected) {
      this.#current?.connection.write(encodeFrame(FrameType.close, stream.id));
    }
    stream.present = false;
  }

  /** As `close`, for a stream that is finished: the guest hears of it with the next frames, or after a moment. */
  forget(stream: GuestStream): void {
    const heldByGuest = stream.present && !stream.closed;
    stream.present = false;
    this.close(stream);
    if (heldByGuest && this.connected) {
      this.#current?.connection.writeLater(encodeFrame(FrameType.close, stream.id));
    }
  }

  /** A guest has dialled. */
  accept(socket: Socket): void {
    if (this.#ended !== undefined) {
      socket.destroy();
      return;
    }
    const attempt: Attempt = {
      phase: 'hello',
      connection: new GuestConnection(socket, {
        frame: (type, channel, streamId, payload) => this.#frame(attempt, type, channel, streamId, payload),
        data: (streamId, channel, offset, bytes) => this.#data(attempt, streamId, channel, offset, bytes),
        drained: () => this.#pump(),
        closed: (cause) => this.#closed(attempt, cause),
      }),
    };
    this.#pending.add(attempt);
    const [oldest] = this.#pending;
    if (this.#pending.size > maxPending) {
      oldest?.connection.destroy();
    }
    const timer = setTimeout(() => {
      if (attempt.phase !== 'up') {
        attempt.connection.destroy();
      }
    }, handshakeTimeoutMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /** Ends the link: every stream is lost with this error, nothing can be opened any more. */
  end(error: HostError): void {
    if (this.#ended !== undefined) {
      return;
    }
    this.#ended = error;
    this.disconnect();
    this.#lose(
      this.#table.drop(() => true),
      error,
    );
  }

  /** Drops connections; streams stay. */
  disconnect(): void {
    this.#current?.connection.destroy();
    for (const attempt of this.#pending) {
      attempt.connection.destroy();
    }
    this.#heartbeat.stop();
  }

  /** Resolves when no guest is connected any more, or after `timeoutMs`. */
  whenDown(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onDown = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#current === undefined) {
        this.#onDown();
      }
    });
  }

  #start(stream: GuestStream): void {
    const connection = this.#current?.connection;
    if (connection === undefined || !this.connected || stream.present || !(this.#gateOpen || stream.shape.urgent)) {
      return;
    }
    stream.present = true;
    stream.attached = true;
    stream.send?.restart();
    connection.write(...encodeOpenFrames(stream.id, stream.encodeOpen()));
    stream.events.attached?.();
    this.#sending.add(stream);
    this.#pump();
    this.#heartbeat.wake();
  }

  #frame(attempt: Attempt, type: number, channel: Channel, streamId: number, payload: Buffer): void {
    if (attempt.phase === 'hello') {
      this.#hello(attempt, type, payload);
      return;
    }
    if (attempt !== this.#current) {
      return;
    }
    switch (type) {
      case FrameType.status:
        this.#status(attempt, streamId, payload);
        break;
      case FrameType.credit:
        this.#credit(attempt, streamId, channel, readUint64(payload, 0), readUint64(payload, 8));
        break;
      case FrameType.eof:
        this.#eof(attempt, streamId, channel, readUint64(payload, 0));
        break;
      case FrameType.ping:
        attempt.connection.write(encodeFrame(FrameType.pong, 0, payload));
        break;
      case FrameType.pong:
        break;
      case FrameType.ready:
        this.#ready(attempt);
        break;
      default:
        throw new ProtocolBreach(`frame type ${type} from a guest`);
    }
  }

  #hello(attempt: Attempt, type: number, payload: Buffer): void {
    const bootId = readGuestHello(type, payload);
    if (bootId === undefined) {
      attempt.connection.destroy();
      return;
    }
    this.#events.hello(bootId);
    this.#pending.delete(attempt);
    const older = this.#current;
    this.#current = attempt;
    older?.connection.destroy();
    this.#detach();
    if (this.#bootId !== undefined && this.#bootId !== bootId) {
      this.#lose(
        this.#table.drop((stream) => stream.confirmed || stream.shape.adopted === true),
        new HostError('internal', 'the guest started anew'),
      );
    }
    this.#bootId = bootId;
    attempt.phase = 'listing';
    this.#table.beginListing();
    attempt.connection.write(hostHello());
  }

  #status(attempt: Attempt, streamId: number, payload: Buffer): void {
    const status = decodeStatus(payload);
    const stream = attempt.phase === 'up' ? this.#table.find(streamId) : this.#table.list(streamId, status);
    if (stream !== undefined) {
      stream.confirmed = true;
      stream.events.status(status);
    }
  }

  #credit(attempt: Attempt, streamId: number, channel: Channel, received: number, limit: number): void {
    const up = attempt.phase === 'up';
    const stream = up ? this.#table.find(streamId) : this.#table.listed(streamId);
    if (stream === undefined) {
      return;
    }
    takeCredit(stream, channel, received, limit, up);
    if (up) {
      this.#sending.add(stream);
      this.#pump();
    }
  }

  #data(attempt: Attempt, streamId: number, channel: Channel, offset: number, bytes: Buffer): void {
    const stream = this.#flowing(attempt, streamId);
    if (stream !== undefined) {
      takeData(stream, channel, offset, bytes);
    }
  }

  #eof(attempt: Attempt, streamId: number, channel: Channel, finalOffset: number): void {
    const stream = this.#flowing(attempt, streamId);
    if (stream !== undefined) {
      takeEof(stream, channel, finalOffset);
    }
  }

  /** The stream of a frame that may come only after the comparison. */
  #flowing(attempt: Attempt, streamId: number): GuestStream | undefined {
    if (attempt.phase !== 'up') {
      throw new ProtocolBreach('data before READY');
    }
    const stream = attempt === this.#current ? this.#table.find(streamId) : undefined;
    if (stream !== undefined) {
      stream.confirmed = true;
    }
    return stream;
  }

  #ready(attempt: Attempt): void {
    if (attempt.phase === 'up') {
      throw new ProtocolBreach('READY twice');
    }
    attempt.phase = 'up';
    const { resumed, missing, forgotten, strangers } = this.#table.compare();
    for (const stream of resumed) {
      this.#resume(attempt, stream);
    }
    for (const id of strangers) {
      attempt.connection.write(encodeFrame(FrameType.close, id));
    }
    for (const stream of forgotten) {
      this.#table.remove(stream);
    }
    this.#lose(forgotten, forgottenByGuest());
    for (const stream of missing) {
      this.#start(stream);
    }
    this.#pump();
    this.#heartbeat.wake();
    this.#events.up();
  }

  #resume(attempt: Attempt, stream: GuestStream): void {
    stream.present = true;
    for (const channel of [1, 2] as const) {
      const side = stream.channel(channel);
      if (side !== undefined) {
        side.resume();
        attempt.connection.write(encodeCredit(stream.id, channel, side.received, side.limit));
      }
    }
    if (stream.attached) {
      stream.events.attached?.();
    }
    this.#sending.add(stream);
  }

  #pump(): void {
    const connection = this.#current?.connection;
    if (connection === undefined || !this.connected) {
      return;
    }
    this.#sending.pump(connection);
  }

  #closed(attempt: Attempt, cause: unknown): void {
    this.#pending.delete(attempt);
    if (attempt === this.#current) {
      this.#current = undefined;
      this.#detach();
      this.#onDown?.();
    }
    if (cause instanceof ProtocolBreach) {
      if (this.#breaches.count(Date.now())) {
        this.#events.breach(cause.message);
      }
    } else if (cause !== undefined) {
      this.#events.failed(cause);
    }
  }

  #detach(): void {
    this.#sending.clear();
    for (const stream of this.#table.all()) {
      stream.present = false;
    }
  }

  #lose(streams: readonly GuestStream[], error: HostError): void {
    for (const stream of streams) {
      stream.closed = true;
      stream.send?.fail(error);
      stream.events.lost(error);
    }
  }
}
