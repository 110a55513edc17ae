import type { AgentSource } from '@berth/contract';
import type { Agent } from '../agents/agent.ts';
import { apiError } from '../errors/api-error.ts';
import type { RepositoryPlan } from './code-mount.ts';
import type { MountWish } from './mount-kind.ts';

/** How an agent gets into the box. */
export type AgentInstallation =
  | { readonly kind: 'npm' | 'pip'; readonly name: string; readonly version?: string; readonly registryUrl?: string }
  | { readonly kind: 'git'; readonly repository: RepositoryPlan }
  | { readonly kind: 'object'; readonly objectId: string; readonly path: string };

/** An agent that is to be in a box, as the row of the box keeps it: what becomes of the agent afterwards does not matter. */
export interface AgentPlan {
  readonly agentId: string;
  readonly name: string;
  readonly installation: AgentInstallation;
  /** Variables that the agent needs, for every login shell. */
  readonly environment: Readonly<Record<string, string>>;
  readonly setup: readonly string[];
  /** So many of them, the first ones, are Berth's own and the same for everybody; none in rows of an older version. */
  readonly commonSetup?: number;
}

/** The part of a source that its type names. Throws `invalidRequest` for an agent that was registered without a source. */
export const sourceOf = (agent: Agent): AgentSource => {
  if (agent.source === null) {
    throw apiError('invalidRequest', {
      problem: `the agent ${agent.name.slice(0, 200)} has no source to mount it from`,
    });
  }
  return agent.source;
};

/** Directory or file of an agent that needs one. Throws `invalidRequest`. */
export const pathOf = ({ agent_path }: MountWish<'agent_mount'>, type: string): string => {
  if (agent_path === undefined) {
    throw apiError('invalidRequest', { problem: `agent_path is needed to mount an agent of type ${type}` });
  }
  return agent_path;
};

/** Everything but the installation. */
export const agentPlan = (
  agent: Agent,
  installation: AgentInstallation,
  mount: MountWish<'agent_mount'>,
): AgentPlan => {
  const source = sourceOf(agent);
  const own = source[source.type]?.agent_setup ?? [];
  return {
    agentId: agent.id,
    name: agent.name,
    installation,
    environment: agent.ready_made?.environment ?? {},
    setup: [...own, ...(mount.agent_setup_commands ?? [])],
    commonSetup: agent.ready_made === null ? 0 : own.length,
  };
};
