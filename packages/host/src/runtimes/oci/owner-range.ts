/** Ids that a box has for itself: 0…65,535 inside. */
export const OWNER_COUNT = 65_536;

/** Where boxes have their outer ids unless an installation has chosen others. */
const DEFAULT_FIRST = 1_000_000;
const DEFAULT_BOXES = 4_096;
/** Ids end here: 2³² - 1 means "no id" to the kernel. */
const END = 2 ** 32 - 1;

/** The outer user and group ids of one installation's boxes: each slot has {@link OWNER_COUNT} of them. */
export class OwnerRange {
  /** Outer id of root in the box of slot 0. */
  readonly first: number;
  /** Slots, that is boxes at a time, suspended ones included. */
  readonly boxes: number;

  /** @throws Error when the ids would not fit into 32 bits, or include those of people and services of the machine */
  constructor(first: number = DEFAULT_FIRST, boxes: number = DEFAULT_BOXES) {
    if (first < OWNER_COUNT || boxes < 1 || first + boxes * OWNER_COUNT > END) {
      throw new Error(`no range of ids: ${boxes} boxes from ${first} on`);
    }
    this.first = first;
    this.boxes = boxes;
  }

  /** Outer id of root in the box of this slot. */
  baseOf(slot: number): number {
    return this.first + slot * OWNER_COUNT;
  }
}
