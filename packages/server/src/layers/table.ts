import type { Generated } from 'kysely';

export interface MountLayersTable {
  id: string;
  key: string;
  image: string;
  status: 'making' | 'ready';
  size_bytes: Generated<number>;
  made_ms: number;
  used_ms: number;
}
