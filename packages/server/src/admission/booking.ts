import type { NewDevbox, Place } from '../devboxes/insert.ts';
import { ApiError } from '../errors/api-error.ts';
import type { Admission } from './admission.ts';
import { type HolderState, nominalSize } from './holding.ts';
import type { QuotaDemand } from './quotas.ts';

/** What new boxes ask of the quotas of their account. */
export const demandOf = (boxes: ReadonlyArray<Pick<NewDevbox, 'launchParameters'>>): QuotaDemand => {
  const sizes = boxes.map(nominalSize);
  const largest = sizes.toSorted((one, other) => other.memoryBytes - one.memoryBytes)[0];
  return {
    running: boxes.length,
    memoryBytes: sizes.reduce((sum, size) => sum + size.memoryBytes, 0),
    diskBytes: sizes.reduce((sum, size) => sum + size.diskBytes, 0),
    ...(largest === undefined ? {} : { largest }),
  };
};

/**
 * Books new boxes, has them written with their places, and takes back what was booked for those that were not: because writing failed, or
 * because an earlier call had written others. `write` gives the ids of the boxes that there are.
 */
export const booked = async (
  admission: Pick<Admission, 'place' | 'changed' | 'forget' | 'reload'>,
  boxes: readonly NewDevbox[],
  write: (places: ReadonlyMap<string, Place>) => Promise<readonly string[]>,
): Promise<void> => {
  const asWritten = (box: NewDevbox, status: Place['status']): HolderState => ({
    ...box,
    status,
    hostState: 'absent',
    resume: null,
    revision: 0,
  });
  const places = new Map(boxes.map((box) => [box.id, admission.place(asWritten(box, 'provisioning'))]));
  try {
    const written = await write(places);
    for (const box of boxes) {
      if (!written.includes(box.id)) {
        admission.forget({ ...box, revision: 0 });
      } else if (places.get(box.id)?.status === 'queued') {
        // Only now it can be admitted. One that may start at once was booked, and has perhaps gone further meanwhile.
        admission.changed(asWritten(box, 'queued'));
      }
    }
  } catch (error) {
    for (const box of boxes) {
      admission.forget({ ...box, revision: 0 });
    }
    if (!(error instanceof ApiError)) {
      // A commit whose answer was lost has written them all the same.
      admission.reload();
    }
    throw error;
  }
};
