import type { DevboxCreate } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';

const refuse = (feature: string): never => {
  throw apiError('notImplemented', { feature });
};

const isFilled = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;

const mountNames = {
  object_mount: 'mounting an object (object_mount)',
  agent_mount: 'mounting an agent (agent_mount)',
  code_mount: 'mounting a repository (code_mount)',
  broker_mount: 'mounting an axon (broker_mount)',
} as const;

/** Nothing but the default image exists yet, so every named source is unknown (API §3.5: 400). */
const refuseSources = (wish: DevboxCreate): void => {
  const sources = [
    ['blueprint', wish.blueprint_id],
    ['blueprint', wish.blueprint_name],
    ['snapshot', wish.snapshot_id],
  ] as const;
  const named = sources.filter((source) => source[1] !== undefined);
  if (named.length > 1) {
    throw apiError('invalidRequest', {
      problem: 'only one of snapshot_id, blueprint_id and blueprint_name may be given',
    });
  }
  const [resource, id] = named[0] ?? [];
  if (resource !== undefined && id !== undefined) {
    throw apiError('unknownSource', { resource, id: id.slice(0, 200) });
  }
};

const refuseLaunchParameters = (parameters: NonNullable<DevboxCreate['launch_parameters']>): void => {
  const { lifecycle } = parameters;
  const idle = lifecycle?.after_idle ?? parameters.after_idle;
  if (idle?.on_idle === 'suspend') {
    refuse('suspending an idle devbox (after_idle.on_idle)');
  }
  if (lifecycle?.resume_triggers?.http === true || lifecycle?.resume_triggers?.axon_event === true) {
    refuse('resuming on a trigger (lifecycle.resume_triggers)');
  }
  if (isFilled(lifecycle?.lifecycle_hooks?.suspend_commands)) {
    refuse('commands before a suspension (lifecycle.lifecycle_hooks)');
  }
  if (isFilled(parameters.required_services)) {
    refuse('services of a blueprint (required_services)');
  }
  if (parameters.network_policy_id !== undefined) {
    refuse('a network policy (network_policy_id)');
  }
};

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'arm64' };

const refuseArchitecture = (wanted: string | undefined): void => {
  const available = architectures[process.arch] ?? process.arch;
  if (wanted !== undefined && wanted !== available) {
    throw apiError('architectureUnavailable', { architecture: wanted, available });
  }
};

/** Refuses what this version cannot do, by name. Nothing that a caller asks for is silently left out. */
export const refuseUnavailable = (wish: DevboxCreate): void => {
  refuseSources(wish);
  if (isFilled(wish.code_mounts)) {
    refuse('mounting a repository (code_mounts)');
  }
  if (isFilled(wish.gateways)) {
    refuse('an agent gateway (gateways)');
  }
  if (isFilled(wish.mcp)) {
    refuse('an MCP hub (mcp)');
  }
  if (wish.tunnel !== undefined) {
    refuse('a tunnel (tunnel)');
  }
  for (const mount of wish.mounts ?? []) {
    if (mount.type !== 'file_mount') {
      refuse(mountNames[mount.type]);
    }
  }
  if (wish.launch_parameters !== undefined) {
    refuseLaunchParameters(wish.launch_parameters);
    refuseArchitecture(wish.launch_parameters.architecture);
  }
};
