import { isWellFormedId } from '@berth/contract';
import type { Agent } from '../agents/agent.ts';
import type { AgentStore } from '../agents/store.ts';
import { apiError } from '../errors/api-error.ts';
import type { LayerWish } from '../layers/layer-wish.ts';
import { type AgentInstallation, type AgentPlan, agentPlan, pathOf, sourceOf } from './agent-plan.ts';
import { quoted, quotedPath, runStep } from './box-step.ts';
import { type CodeMountParts, placePlannedRepository, planRepository } from './code-mount.ts';
import { installCommand, keptMs } from './install-package.ts';
import { type MountWish, mountKind } from './mount-kind.ts';
import type { MountPlace } from './mount-place.ts';

/** What mounts of agents work with. */
export interface AgentMountParts extends CodeMountParts {
  readonly agents: Pick<AgentStore, 'findVisible' | 'findNamed' | 'recordMount'>;
  readonly objects: AgentObjects;
}

/** Objects as agents are made of them. */
export interface AgentObjects {
  /** Throws when the account cannot mount the object. */
  readonly require: (account: string, objectId: string) => Promise<void>;
  readonly place: (place: MountPlace, objectId: string, path: string, signal: AbortSignal) => Promise<void>;
}

/** The first step of the set-up commands; those before belong to the installation. */
const firstSetupStep = 8;

const findAgent = async (
  agents: AgentMountParts['agents'],
  account: string,
  { agent_id, agent_name }: MountWish<'agent_mount'>,
): Promise<Agent> => {
  const agent =
    agent_id === undefined
      ? await agents.findNamed(account, agent_name ?? '')
      : isWellFormedId('agent', agent_id)
        ? await agents.findVisible(account, agent_id)
        : undefined;
  if (agent === undefined) {
    throw apiError('unknownSource', { resource: 'agent', id: (agent_id ?? agent_name ?? '').slice(0, 200) });
  }
  return agent;
};

const planInstallation = async (
  parts: AgentMountParts,
  account: string,
  agent: Agent,
  mount: MountWish<'agent_mount'>,
): Promise<AgentInstallation> => {
  const source = sourceOf(agent);
  const { version } = agent;
  const { npm, pip, git, object } = source;
  const wanted = npm ?? pip;
  if (wanted !== undefined) {
    return {
      kind: npm === undefined ? 'pip' : 'npm',
      name: wanted.package_name,
      ...(version === null ? {} : { version }),
      ...(wanted.registry_url === undefined ? {} : { registryUrl: wanted.registry_url }),
    };
  }
  const path = pathOf(mount, source.type);
  if (git !== undefined) {
    // The version of an agent from a repository may name its branch or tag.
    const wish = { url: git.repository, token: mount.auth_token, ref: git.ref ?? version ?? undefined, path };
    return { kind: 'git', repository: planRepository(parts, account, wish) };
  }
  const objectId = object?.object_id ?? '';
  await parts.objects.require(agent.account_id ?? account, objectId);
  return { kind: 'object', objectId, path };
};

const install = async (
  parts: AgentMountParts,
  place: MountPlace,
  { installation, name }: AgentPlan,
  signal: AbortSignal,
): Promise<void> => {
  switch (installation.kind) {
    case 'npm':
    case 'pip': {
      const command = installCommand(installation);
      await runStep(place, { number: 0, what: `the installation of ${name}`, command }, signal);
      return;
    }
    case 'git':
      return placePlannedRepository(parts, place, installation.repository, 0, signal);
    case 'object':
      return parts.objects.place(place, installation.objectId, installation.path, signal);
  }
};

/** Runs the set-up commands from this one on, before that one. */
const setUp = async (
  place: MountPlace,
  { installation, setup }: AgentPlan,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<void> => {
  for (const [index, line] of setup.entries()) {
    if (index >= from && index < to) {
      const command = `{ ${directoryOf(installation)}; } && {\n${line}\n}`;
      await runStep(place, { number: firstSetupStep + index, what: `set-up command ${index + 1}`, command }, signal);
    }
  }
};

/** The package as everybody gets it from its registry; one from a registry that the account names is the account's. */
const layerOf = (parts: AgentMountParts, account: string, plan: AgentPlan): LayerWish | undefined => {
  const { installation, setup, commonSetup = 0 } = plan;
  if (installation.kind !== 'npm' && installation.kind !== 'pip') {
    return undefined;
  }
  const scope = installation.registryUrl === undefined ? '' : account;
  return {
    key: ['agent_mount', scope, installCommand(installation), setup.slice(0, commonSetup)],
    maximumAgeMs: keptMs(installation),
    isWhole: setup.length <= commonSetup,
    make: async (place, signal) => {
      await install(parts, place, plan, signal);
      await setUp(place, plan, 0, commonSetup, signal);
    },
    release: () => undefined,
  };
};

/** Start file of shells that sets what is not set yet. */
async function* profile(environment: Readonly<Record<string, string>>): AsyncGenerator<Uint8Array> {
  const lines = Object.entries(environment).map(
    ([name, value]) => `[ -n "\${${name}+set}" ] || export ${name}=${quoted(value)}\n`,
  );
  yield Buffer.from(lines.join(''));
}

/** Where the set-up commands are run. */
const directoryOf = (installation: AgentInstallation): string => {
  switch (installation.kind) {
    case 'git':
      return `cd -- ${quotedPath(installation.repository.path)}`;
    case 'object': {
      const path = quotedPath(installation.path);
      return `cd -- ${path} 2> /dev/null || cd -- "$(dirname -- ${path})"`;
    }
    default:
      return 'cd';
  }
};

/** An agent: a package of npm or pip for the whole box, a repository, or an object; then its set-up commands (API §11, §14). */
export const agentMount = (parts: AgentMountParts) =>
  mountKind<'agent_mount', AgentPlan>({
    type: 'agent_mount',
    plan: async (account, mount) => {
      const agent = await findAgent(parts.agents, account, mount);
      return agentPlan(agent, await planInstallation(parts, account, agent, mount), mount);
    },
    describe: ({ name }) => `agent mount ${name}`,
    layer: async (account, plan) => layerOf(parts, account, plan),
    place: async (place, plan, signal) => {
      await parts.agents.recordMount(place.box.id, plan.agentId, plan.name);
      if (!place.isLayered) {
        await install(parts, place, plan, signal);
      }
      if (Object.keys(plan.environment).length > 0) {
        const path = `/etc/profile.d/agent-${plan.agentId}.sh`;
        await place.host.writeFile(
          place.box.id,
          path,
          profile(plan.environment),
          { makeParents: true, user: 'root' },
          signal,
        );
      }
      await setUp(place, plan, place.isLayered ? (plan.commonSetup ?? 0) : 0, plan.setup.length, signal);
    },
  });
