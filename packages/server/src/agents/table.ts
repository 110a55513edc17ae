import type { AgentSource, ReadyMade } from '@berth/contract';
import type { Generated, JSONColumnType } from 'kysely';

export interface AgentsTable {
  id: string;
  /** Null: it comes with the installation. */
  account_id: string | null;
  name: string;
  version: string | null;
  is_public: Generated<boolean>;
  source: JSONColumnType<AgentSource> | null;
  ready_made: JSONColumnType<ReadyMade> | null;
  create_ms: number;
}

export interface DevboxAgentsTable {
  devbox_id: string;
  agent_id: string;
  agent_name: string;
}
