import type { FailureReason } from '@berth/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import type { MountFailure } from '../mounts/mount-kind.ts';
import type { LayerWish } from './layer-wish.ts';

/** Why a devbox fails whose mount failed while its layer was made. */
export interface LayerFailure {
  readonly reason: FailureReason;
  readonly detail: string;
}

/** The layer of one of several mounts could not be made, for something that was said of the mount. */
export class UnmadeLayer extends Error {
  override readonly name = 'UnmadeLayer';
  /** Which of the mounts, in the order in which they were asked for. */
  readonly position: number;
  readonly failure: MountFailure;

  constructor(position: number, failure: MountFailure) {
    super(failure.message, { cause: failure });
    this.position = position;
    this.failure = failure;
  }
}

/** What is to be mounted cannot be had, in whatever box. */
export class UnmountableError extends Error {
  override readonly name = 'UnmountableError';
  readonly failure: LayerFailure;

  /** @param what the mount, for messages */
  constructor(what: string, failure: MountFailure) {
    super(failure.message, { cause: failure });
    this.failure = { reason: failure.reason, detail: `${what}: ${failure.message}` };
  }
}

/**
 * Whether a mount that failed in the box of its layer would fail in this one too. What could make a difference is what the layer's box had not: what
 * other mounts place or run before it, and variables that files of an image of one's own may speak of.
 */
export const failsInBoxToo = (
  box: Pick<Devbox, 'imageBlueprintId' | 'wish'>,
  wanted: ReadonlyArray<{ readonly index: number; readonly wish: Pick<LayerWish, 'isWhole'> }>,
  { position, failure }: UnmadeLayer,
): boolean => {
  const { environment, secretNames } = box.wish;
  const hasVariables = Object.keys(environment).length + Object.keys(secretNames).length > 0;
  const index = wanted[position]?.index ?? 0;
  const whole = new Set(wanted.flatMap((each) => (each.wish.isWhole ? [each.index] : [])));
  const isFirst = Array.from({ length: index }, (_, before) => before).every((before) => whole.has(before));
  return failure.recurs && isFirst && (box.imageBlueprintId === null || !hasVariables);
};
