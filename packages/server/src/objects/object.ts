import type { ObjectView } from '@berth/contract';
import type { Selectable } from 'kysely';
import type { ObjectsTable } from './table.ts';

/** An object as the control plane knows it: its row. */
export type StoredObject = Selectable<ObjectsTable>;

/** An object as clients see it (API §13). */
export const objectView = (object: StoredObject): ObjectView => ({
  id: object.id,
  name: object.name,
  content_type: object.content_type,
  state: object.state,
  create_time_ms: object.create_ms,
  delete_after_time_ms: object.delete_after_ms,
  metadata: object.metadata,
  size_bytes: object.size_bytes,
  is_public: object.is_public,
});
