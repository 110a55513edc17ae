import { createHash } from 'node:crypto';

const DIGITS = 32;

/** What /etc/machine-id of a box says: made of its public id, so that it is the box's own from its first start, or claim, to its end. */
export const machineIdOf = (boxId: string): string =>
  createHash('sha256').update(`berth machine ${boxId}`).digest('hex').slice(0, DIGITS);
