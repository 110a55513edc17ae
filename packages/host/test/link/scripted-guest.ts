import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import {
  type Channel,
  decodeOpen,
  encodeCredit,
  encodeFrame,
  encodeHello,
  encodeStatus,
  FrameDecoder,
  FrameType,
  type Open,
  readUint64,
  type StatusInit,
  StatusPhase,
} from '@berth/guest/protocol';
import { GuestChannel } from './guest-channel.ts';
import { runRequest } from './scripted-requests.ts';

const windowBytes = 256 * 1024;

/** A stream as the guest holds it. */
export class ScriptedStream {
  id: number;
  readonly open: Open;
  readonly out: readonly [GuestChannel, GuestChannel];
  status: StatusInit = {};
  /** Offset up to which channel 0 was taken over. */
  taken = 0;
  inputEnded = false;
  onInput: ((bytes: Buffer) => Promise<void> | void) | undefined;
  onInputEnd: (() => void) | undefined;
  onSignal: ((signal: number) => void) | undefined;
  onClose: (() => void) | undefined;
  readonly #guest: ScriptedGuest;

  constructor(guest: ScriptedGuest, id: number, open: Open) {
    this.#guest = guest;
    this.id = id;
    this.open = open;
    this.out = [
      new GuestChannel(() => this.id, 1, Number(open.stdoutLimit)),
      new GuestChannel(() => this.id, 2, Number(open.stderrLimit)),
    ];
  }

  get hasInput(): boolean {
    const { request } = this.open;
    return (
      request.case === 'writeFile' ||
      request.case === 'forward' ||
      (request.case === 'exec' && request.value.attachStdin)
    );
  }

  /** The status has not been sent yet. */
  unsaid = true;

  say(status: StatusInit): void {
    this.status = { ...this.status, ...status } as StatusInit;
    this.unsaid = true;
    this.#guest.flush(this);
  }

  async write(channel: 0 | 1, bytes: Buffer): Promise<void> {
    this.out[channel].push(bytes);
    this.#guest.flush(this);
    await this.out[channel].whenBelow(Math.max(windowBytes, Number(this.open.stdoutLimit)));
  }

  end(channel: 0 | 1): void {
    this.out[channel].end();
    this.#guest.flush(this);
  }
}

/**
 * The guest's side of the protocol in a few hundred lines, running requests with the machine's own bash and files: for tests that have to drop,
 * repeat or spoil what a real guest would not.
 */
export class ScriptedGuest {
  readonly #path: string;
  readonly streams = new Map<number, ScriptedStream>();
  readonly byExecution = new Map<string, ScriptedStream>();
  /** Commands started, in order. */
  readonly started: string[] = [];
  bootId = randomBytes(16);
  #socket: Socket | undefined;
  #stopped = false;
  /** The host has said HELLO on this connection. */
  #up = false;
  #parts = new Map<number, Buffer[]>();
  connections = 0;
  /** Called before each frame of the host is handled; return true to swallow it. */
  intercept: ((type: number, streamId: number) => boolean) | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  dial(): void {
    if (this.#stopped) {
      return;
    }
    const socket = connect(this.#path);
    const decoder = new FrameDecoder({
      frame: (type, channel, streamId, payload) => this.#frame(socket, type, channel, streamId, payload),
      data: (streamId, _channel, offset, bytes) => this.#input(streamId, offset, bytes),
    });
    socket.on('connect', () => {
      this.#socket = socket;
      this.#up = false;
      this.connections += 1;
      socket.write(
        encodeFrame(FrameType.hello, 0, encodeHello({ protocolMin: 1, protocolMax: 1, bootId: this.bootId })),
      );
    });
    socket.on('data', (chunk: Buffer) => decoder.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket || this.#socket === undefined) {
        this.#socket = undefined;
        setTimeout(() => this.dial(), 10);
      }
    });
  }

  /** Ends the connection in the middle of whatever is going on; the guest dials again. */
  drop(): void {
    this.#socket?.destroy();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.destroy();
    for (const stream of this.streams.values()) {
      stream.onClose?.();
      stream.onSignal?.(9);
    }
  }

  /** Sends anything, as a spoilt guest would. */
  raw(...frames: Uint8Array[]): void {
    for (const frame of frames) {
      this.#socket?.write(frame);
    }
  }

  /** Sends what is due of a stream. */
  flush(stream: ScriptedStream): void {
    if (!this.#up || this.#socket === undefined || this.streams.get(stream.id) !== stream) {
      return;
    }
    this.raw(...stream.out[0].take(), ...stream.out[1].take());
    const early = stream.status.phase === StatusPhase.FINISHED && stream.out.some((channel) => channel.unfinished);
    if (stream.unsaid && !early) {
      stream.unsaid = false;
      this.raw(encodeFrame(FrameType.status, stream.id, encodeStatus(stream.status)));
    }
  }

  takeCredit(stream: ScriptedStream): void {
    if (this.#up) {
      this.raw(encodeCredit(stream.id, 0, stream.taken, stream.taken + windowBytes));
    }
  }

  #frame(socket: Socket, type: number, channel: Channel, streamId: number, payload: Buffer): void {
    if (socket !== this.#socket || this.intercept?.(type, streamId) === true) {
      return;
    }
    const stream = this.streams.get(streamId);
    switch (type) {
      case FrameType.hello:
        this.#list();
        break;
      case FrameType.part:
        this.#parts.set(streamId, [...(this.#parts.get(streamId) ?? []), Buffer.from(payload)]);
        break;
      case FrameType.open:
        this.#open(streamId, decodeOpen(Buffer.concat([...(this.#parts.get(streamId) ?? []), payload])));
        this.#parts.delete(streamId);
        break;
      case FrameType.credit:
        if (stream !== undefined && channel !== 0) {
          stream.out[channel === 1 ? 0 : 1].credit(readUint64(payload, 0), readUint64(payload, 8));
          this.flush(stream);
        }
        break;
      case FrameType.eof:
        if (stream !== undefined && !stream.inputEnded) {
          stream.inputEnded = true;
          stream.onInputEnd?.();
        }
        break;
      case FrameType.close:
        stream?.onClose?.();
        this.streams.delete(streamId);
        break;
      case FrameType.ping:
        this.raw(encodeFrame(FrameType.pong, 0, payload));
        break;
      default:
        break;
    }
  }

  #list(): void {
    this.#parts = new Map();
    this.#up = true;
    for (const stream of this.streams.values()) {
      stream.out[0].pause();
      stream.out[1].pause();
      stream.unsaid = true;
      this.raw(encodeFrame(FrameType.status, stream.id, encodeStatus(stream.status)));
      if (stream.hasInput) {
        this.takeCredit(stream);
      }
    }
    this.raw(encodeFrame(FrameType.ready, 0));
  }

  #open(streamId: number, open: Open): void {
    const executionId = open.request.case === 'exec' ? open.request.value.executionId : '';
    const known = this.byExecution.get(executionId);
    if (known !== undefined) {
      this.streams.delete(known.id);
      known.id = streamId;
      this.streams.set(streamId, known);
      known.unsaid = true;
      this.flush(known);
      return;
    }
    const stream = new ScriptedStream(this, streamId, open);
    stream.status = { phase: StatusPhase.RUNNING, executionId };
    this.streams.set(streamId, stream);
    if (executionId !== '') {
      this.byExecution.set(executionId, stream);
    }
    if (stream.hasInput) {
      this.takeCredit(stream);
    }
    runRequest(this, stream);
  }

  #input(streamId: number, offset: number, bytes: Buffer): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined || offset + bytes.length <= stream.taken) {
      return;
    }
    if (offset > stream.taken) {
      throw new Error(`a gap before ${offset}: only ${stream.taken} taken`);
    }
    const fresh = Buffer.from(bytes.subarray(stream.taken - offset));
    stream.taken += fresh.length;
    void Promise.resolve(stream.onInput?.(fresh)).then(() => this.takeCredit(stream));
  }
}
