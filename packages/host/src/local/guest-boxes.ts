import type { GuestBox } from '../link/guest-box.ts';

/** Boxes that are gone but still asked about. */
const MAX_IDLE = 256;

/** The GuestBox of every box: those of present boxes stay, those of ended ones are opened when asked for and closed when forgotten about. */
export class GuestBoxes {
  readonly #open: (place: string) => GuestBox;
  readonly #live = new Map<string, GuestBox>();
  readonly #ended = new Map<string, GuestBox>();

  constructor(open: (place: string) => GuestBox) {
    this.#open = open;
  }

  /** The object of a present box; opened at the first call. */
  live(place: string): GuestBox {
    const existing = this.#live.get(place) ?? this.#takeEnded(place) ?? this.#open(place);
    this.#live.set(place, existing);
    return existing;
  }

  /** The object for reading records of any box. */
  get(place: string): GuestBox {
    const live = this.#live.get(place);
    if (live) {
      return live;
    }
    const ended = this.#takeEnded(place) ?? this.#open(place);
    this.#keepEnded(place, ended);
    return ended;
  }

  /** The box has ended: its object may be closed when there are many. */
  retire(place: string): void {
    const live = this.#live.get(place);
    if (live) {
      this.#live.delete(place);
      this.#keepEnded(place, live);
    }
  }

  /** Closes the object of a box. */
  async close(place: string): Promise<void> {
    const box = this.#live.get(place) ?? this.#ended.get(place);
    this.#live.delete(place);
    this.#ended.delete(place);
    await box?.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#live.keys(), ...this.#ended.keys()].map((place) => this.close(place)));
  }

  #takeEnded(place: string): GuestBox | undefined {
    const box = this.#ended.get(place);
    this.#ended.delete(place);
    return box;
  }

  #keepEnded(place: string, box: GuestBox): void {
    this.#ended.set(place, box);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_IDLE && oldest !== undefined) {
      const old = this.#ended.get(oldest);
      this.#ended.delete(oldest);
      void old?.close();
    }
  }
}
