import type { BoxState, Host } from '@berth/host/contract';
import type { DueStore, UnsettledBox } from '../devboxes/due-store.ts';
import { isLayerId } from '../layers/layer-maker.ts';

const isThere = (state: BoxState | undefined): boolean => state?.phase === 'running' || state?.phase === 'starting';

const needsLook = (box: UnsettledBox, state: BoxState | undefined): boolean => {
  switch (box.status) {
    case 'running':
      return box.hasEntrypoint || !isThere(state);
    case 'suspended':
      return state?.phase !== 'suspended';
    // One that waits to be resumed is asleep on the host; whether it still is shows when its turn comes.
    case 'queued':
      return false;
    default:
      return true;
  }
};

/**
 * Ids of boxes that somebody has to look at: those on their way or on their way out, those that the host reports otherwise than their row,
 * and those of the host that have no row. Rows are read before the host is asked, so that a box made meanwhile is not taken for an orphan
 * (its row exists by then) nor for a missing one.
 */
export const findDifferences = async (host: Pick<Host, 'list'>, dues: DueStore): Promise<string[]> => {
  const rows = await dues.unsettled();
  const states = new Map(
    // What becomes of sidecars is the host's matter: they go with their boxes.
    (await host.list()).filter((state) => state.networkOf === undefined).map((state) => [state.id, state]),
  );
  const different = rows.filter((box) => needsLook(box, states.get(box.id))).map((box) => box.id);
  const expected = new Set(rows.map((box) => box.id));
  // Boxes of layers are not the reconciler's.
  const surprising = [...states.values()].filter((state) => !expected.has(state.id) && !isLayerId(state.id));
  const known = await dues.known(surprising.map((state) => state.id));
  // What is destroyed and has a row is a spool waiting for its retention.
  const orphans = surprising.filter((state) => !known.has(state.id) || state.phase !== 'destroyed');
  return [...different, ...orphans.map((state) => state.id)];
};
