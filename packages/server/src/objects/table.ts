import type { ObjectContentType, ObjectState } from '@berth/contract';
import type { Generated, JSONColumnType } from 'kysely';

export interface ObjectsTable {
  id: string;
  account_id: string;
  name: string;
  content_type: ObjectContentType;
  state: ObjectState;
  metadata: JSONColumnType<Record<string, string>>;
  is_public: Generated<boolean>;
  blob_key: string | null;
  size_bytes: number | null;
  checksum: number | null;
  create_ms: number;
  delete_after_ms: number | null;
}

export interface LooseBlobsTable {
  blob_key: string;
  owner: string | null;
  since_ms: number;
}
