import type { BoxRow } from './box-row.ts';
import type { HostParts } from './host-parts.ts';

/** For what a start has to write before anything of the box runs: one with a full disk must come back. */
export const START_SLACK_BYTES = 16 * 1024 * 1024;

/**
 * What a box's quota group may hold. The kernel counts an extent against the subvolume that wrote it as long as anything holds it, so what
 * snapshots of the box hold comes on top of its own limit: a snapshot takes no room away, and its bytes are accounted by its own size.
 */
export function diskLimit({ snapshotStore }: Pick<HostParts, 'snapshotStore'>, { id, size }: BoxRow): number {
  const held = snapshotStore
    .all()
    .filter((row) => row.boxId === id && (row.phase === 'ready' || row.phase === 'deleted'))
    .map((row) => row.diskBytes);
  return size.diskBytes + Math.max(0, ...held);
}

/** Sets it anew, after a snapshot came or went. */
export async function applyDiskLimit(
  parts: Pick<HostParts, 'snapshotStore' | 'helper' | 'paths'>,
  box: BoxRow,
): Promise<void> {
  const path = parts.paths.subvolume(box.place);
  await parts.helper.call('subvolumeLimit', { path, limitBytes: diskLimit(parts, box) });
}
