/** Ids that a box has for itself: 0…65,535 inside. */
export const OWNER_COUNT = 65_536;

/** Where boxes have their outer ids unless an installation has chosen others. */
const DEFAULT_FIRST = 1_000_000;
const DEFAULT_SLOTS = 4_096;
/** Ids end here: 2³² - 1 means "no id" to the kernel. */
const END = 2 ** 32 - 1;

/** A range with fewer slots has none for builds. */
const MIN_WITH_BUILDS = 16;

/**
 * The outer user and group ids of one installation: each slot has {@link OWNER_COUNT} of them. The last slot is that of builds and of the layers they make, so that
 * each can stand upon every other's.
 */
export class OwnerRange {
  /** Outer id of root in the box of slot 0. */
  readonly first: number;
  readonly slots: number;
  /** Slots of boxes, that is boxes at a time, suspended ones included. */
  readonly boxes: number;

  /** @throws Error when the ids would not fit into 32 bits, or include those of people and services of the machine */
  constructor(first: number = DEFAULT_FIRST, slots: number = DEFAULT_SLOTS) {
    if (first < OWNER_COUNT || slots < 1 || first + slots * OWNER_COUNT > END) {
      throw new Error(`no range of ids: ${slots} boxes from ${first} on`);
    }
    this.first = first;
    this.slots = slots;
    this.boxes = slots < MIN_WITH_BUILDS ? slots : slots - 1;
  }

  /** Outer id of root in builds; undefined where the range is too small. */
  get buildBase(): number | undefined {
    return this.slots === this.boxes ? undefined : this.baseOf(this.boxes);
  }

  /** Outer id of root in the box of this slot. */
  baseOf(slot: number): number {
    return this.first + slot * OWNER_COUNT;
  }
}
