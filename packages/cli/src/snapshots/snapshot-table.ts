import type { SnapshotView } from '@berth/contract';
import { formatBytes, formatDuration } from '../output/quantities.ts';
import { table } from '../output/table.ts';

const longestMessage = 40;

/** Snapshots for people, in the order given. `remarkOf` adds a word to each. */
export const snapshotTable = (
  snapshots: readonly SnapshotView[],
  remarkOf: (snapshot: SnapshotView) => string = messageCell,
): string =>
  table(
    ['ID', 'NAME', 'SIZE', 'AGE', 'TAKEN OF', ''],
    snapshots.map((snapshot) => [
      snapshot.id,
      snapshot.name ?? '',
      sizeCell(snapshot),
      formatDuration(Date.now() - snapshot.create_time_ms),
      snapshot.source_devbox_id,
      remarkOf(snapshot),
    ]),
  );

export const totalBytes = (snapshots: readonly SnapshotView[]): number =>
  snapshots.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);

const sizeCell = ({ size_bytes }: SnapshotView): string => (size_bytes === null ? '-' : formatBytes(size_bytes));

const messageCell = ({ commit_message }: SnapshotView): string => {
  const line = (commit_message ?? '').replace(/\s+/g, ' ').trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line;
};
