import type { GuestBox } from '../link/guest-box.ts';

/** Boxes that are gone but still asked about. */
const MAX_IDLE = 256;

/** The GuestBox of every box: those of present boxes stay, those of ended ones are opened when asked for and closed when forgotten about. */
export class GuestBoxes {
  readonly #open: (boxId: string) => GuestBox;
  readonly #live = new Map<string, GuestBox>();
  readonly #ended = new Map<string, GuestBox>();

  constructor(open: (boxId: string) => GuestBox) {
    this.#open = open;
  }

  /** The object of a present box; opened at the first call. */
  live(boxId: string): GuestBox {
    const existing = this.#live.get(boxId) ?? this.#takeEnded(boxId) ?? this.#open(boxId);
    this.#live.set(boxId, existing);
    return existing;
  }

  /** The object for reading records of any box. */
  get(boxId: string): GuestBox {
    const live = this.#live.get(boxId);
    if (live) {
      return live;
    }
    const ended = this.#takeEnded(boxId) ?? this.#open(boxId);
    this.#keepEnded(boxId, ended);
    return ended;
  }

  /** The box has ended: its object may be closed when there are many. */
  retire(boxId: string): void {
    const live = this.#live.get(boxId);
    if (live) {
      this.#live.delete(boxId);
      this.#keepEnded(boxId, live);
    }
  }

  /** Closes the object of a box. */
  async close(boxId: string): Promise<void> {
    const box = this.#live.get(boxId) ?? this.#ended.get(boxId);
    this.#live.delete(boxId);
    this.#ended.delete(boxId);
    await box?.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#live.keys(), ...this.#ended.keys()].map((boxId) => this.close(boxId)));
  }

  #takeEnded(boxId: string): GuestBox | undefined {
    const box = this.#ended.get(boxId);
    this.#ended.delete(boxId);
    return box;
  }

  #keepEnded(boxId: string, box: GuestBox): void {
    this.#ended.set(boxId, box);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_IDLE && oldest !== undefined) {
      const old = this.#ended.get(oldest);
      this.#ended.delete(oldest);
      void old?.close();
    }
  }
}
