import type { AgentSource, AgentView, ReadyMade } from '@berth/contract';

/** A registered agent, as it is stored. */
export interface Agent {
  readonly id: string;
  readonly account_id: string | null;
  readonly name: string;
  readonly version: string | null;
  readonly is_public: boolean;
  readonly source: AgentSource | null;
  readonly ready_made: ReadyMade | null;
  readonly create_ms: number;
}

export const agentView = (agent: Agent): AgentView => ({
  id: agent.id,
  name: agent.name,
  create_time_ms: agent.create_ms,
  is_public: agent.is_public,
  version: agent.version,
  source: agent.source,
  ...(agent.ready_made === null ? {} : { ready_made: agent.ready_made }),
});
