import type { SnapshotView } from '@berth/contract';
import type { Selectable } from 'kysely';
import type { SnapshotsTable } from './table.ts';

/** A snapshot as the control plane knows it: its row. */
export type Snapshot = Selectable<SnapshotsTable>;

/** Topic that is announced with every change of one snapshot. */
export const snapshotTopic = (id: string): string => `snapshot:${id}`;

/** Topic that is announced when a snapshot is to be taken or deleted. */
export const snapshotsUnsettledTopic = 'snapshots:unsettled';

/** A snapshot as clients see it (API §7). */
export const snapshotView = (snapshot: Snapshot): SnapshotView => ({
  id: snapshot.id,
  name: snapshot.name,
  commit_message: snapshot.commit_message,
  create_time_ms: snapshot.create_ms,
  metadata: snapshot.metadata,
  source_devbox_id: snapshot.devbox_id,
  source_blueprint_id: snapshot.source_blueprint_id,
  size_bytes: snapshot.size_bytes,
});
