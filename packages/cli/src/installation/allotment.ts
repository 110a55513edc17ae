import { createHash } from 'node:crypto';

/** Numbers from `first` on; `last` belongs to them. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * A /16 of 10.0.0.0/8, chosen by the state path and stepped on while it is taken.
 * @param used second bytes of the 10.x networks in use
 */
export const freeSubnet = (state: string, used: ReadonlySet<number>): string | undefined => {
  const first = 64;
  const count = 190;
  const start = Number.parseInt(digest(state).slice(0, 8), 16) % count;
  for (let step = 0; step < count; step += 1) {
    const second = first + ((start + step) % count);
    if (!used.has(second)) {
      return `10.${second}.0.0/16`;
    }
  }
  return undefined;
};

/** Start of the names of network devices: chosen by the state path, stepped on while it is taken. */
export const freePrefix = (state: string, used: ReadonlySet<string>): string | undefined => {
  const count = 0x1000;
  const start = Number.parseInt(digest(state).slice(0, 3), 16);
  for (let step = 0; step < count; step += 1) {
    const prefix = `bth${((start + step) % count).toString(16).padStart(3, '0')}`;
    if (!used.has(prefix)) {
      return prefix;
    }
  }
  return undefined;
};

/** User ids of one box. */
export const idsOfBox = 65_536;
/** Ids that many programs take for negative begin here. */
const end = 2 ** 31;
/** Below are people, services, and what `useradd` and every earlier installation of Berth hand out by themselves. */
const begin = 1_000_000 + 4_096 * idsOfBox;
/** Boxes of an installation, suspended ones included; fewer where no such room is left. */
export const mostBoxes = 4_096;
const sizes = [mostBoxes, 2_048, 1_024, 512, 256] as const;

/** The largest free range of user ids, from above: there is nothing by convention (systemd.io/UIDS-GIDS). */
export const freeOwners = (
  used: readonly Span[],
): { readonly firstOwner: number; readonly ownerBoxes: number } | undefined => {
  for (const ownerBoxes of sizes) {
    const ids = ownerBoxes * idsOfBox;
    for (let firstOwner = end - ids; firstOwner >= begin; firstOwner -= ids) {
      const last = firstOwner + ids - 1;
      if (!used.some((span) => span.first <= last && span.last >= firstOwner)) {
        return { firstOwner, ownerBoxes };
      }
    }
  }
  return undefined;
};
