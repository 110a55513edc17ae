import { ProtocolBreach, type Status } from '@berth/guest/protocol';
import { HostError } from '../contract/index.ts';
import type { GuestStream } from './guest-stream.ts';

/** Most unknown streams that a guest may list. */
const maxStrangers = 65_536;

/** Finds the stream that an Exec listed under an unknown id belongs to. */
export type Reattach = (status: Status, streamId: number) => GuestStream | undefined;

/** What is to be done once the guest has listed its streams. */
export interface Comparison {
  /** Held by both: they go on. */
  readonly resumed: GuestStream[];
  /** The guest never got them: to be opened. */
  readonly missing: GuestStream[];
  /** The guest had them and has them no more. */
  readonly forgotten: GuestStream[];
  /** Held by the guest alone: to be closed. */
  readonly strangers: number[];
}

/** The streams of a link by id, and what the guest listed of them on the present connection. */
export class StreamTable {
  readonly #streams = new Map<number, GuestStream>();
  readonly #reattach: Reattach;
  #listed = new Set<GuestStream>();
  #strangers = new Set<number>();
  #lastId: number;

  /** @param epoch number of this life of the host for this box: ids of each life are greater than those before. */
  constructor(epoch: number, reattach: Reattach) {
    this.#lastId = epoch * 2 ** 32;
    this.#reattach = reattach;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(stream: GuestStream): void {
    this.#streams.set(stream.id, stream);
  }

  remove(stream: GuestStream): void {
    if (this.#streams.get(stream.id) === stream) {
      this.#streams.delete(stream.id);
    }
    this.#listed.delete(stream);
  }

  all(): Iterable<GuestStream> {
    return this.#streams.values();
  }

  /** The stream a frame is for; `undefined` for one that was closed while the frame was on its way. @throws ProtocolBreach */
  find(id: number): GuestStream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined && id > this.#lastId) {
      throw new ProtocolBreach(`stream ${id} was never opened`);
    }
    return stream;
  }

  beginListing(): void {
    this.#listed = new Set();
    this.#strangers = new Set();
  }

  /** A STATUS before READY. @throws ProtocolBreach */
  list(id: number, status: Status): GuestStream | undefined {
    let stream = this.#streams.get(id);
    if (stream === undefined && status.executionId !== '') {
      stream = this.#reattach(status, id);
      if (stream !== undefined) {
        this.remove(stream);
        stream.id = id;
        this.add(stream);
      }
    }
    if (stream === undefined) {
      this.#strangers.add(id);
      if (this.#strangers.size > maxStrangers) {
        throw new ProtocolBreach('lists too many streams');
      }
      return undefined;
    }
    this.#listed.add(stream);
    return stream;
  }

  /** A listed stream, before READY. */
  listed(id: number): GuestStream | undefined {
    const stream = this.#streams.get(id);
    return stream !== undefined && this.#listed.has(stream) ? stream : undefined;
  }

  compare(): Comparison {
    const result: Comparison = { resumed: [], missing: [], forgotten: [], strangers: [...this.#strangers] };
    for (const stream of this.#streams.values()) {
      if (this.#listed.has(stream)) {
        result.resumed.push(stream);
      } else {
        (stream.confirmed ? result.forgotten : result.missing).push(stream);
      }
    }
    this.beginListing();
    return result;
  }

  /** Drops every stream that fits. @returns them */
  drop(fits: (stream: GuestStream) => boolean): GuestStream[] {
    const dropped = [...this.#streams.values()].filter(fits);
    for (const stream of dropped) {
      this.remove(stream);
    }
    return dropped;
  }
}

export const forgottenByGuest = (): HostError => new HostError('internal', 'the guest no longer knows this stream');
