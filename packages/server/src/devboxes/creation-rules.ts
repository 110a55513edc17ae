import { type DevboxCreate, isWellFormedId } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';

const refuse = (feature: string): never => {
  throw apiError('notImplemented', { feature });
};

const isFilled = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;

/** Snapshots and blueprints are looked up later; what is no id of theirs is unknown (API §3.5: 400). */
export const refuseSources = (wish: DevboxCreate): void => {
  const { blueprint_id, blueprint_name, snapshot_id } = wish;
  if ([blueprint_id, blueprint_name, snapshot_id].filter((source) => source !== undefined).length > 1) {
    throw apiError('invalidRequest', {
      problem: 'only one of snapshot_id, blueprint_id and blueprint_name may be given',
    });
  }
  if (blueprint_id !== undefined && !isWellFormedId('blueprint', blueprint_id)) {
    throw apiError('unknownSource', { resource: 'blueprint', id: blueprint_id.slice(0, 200) });
  }
  if (snapshot_id !== undefined && !isWellFormedId('snapshot', snapshot_id)) {
    throw apiError('unknownSource', { resource: 'snapshot', id: snapshot_id.slice(0, 200) });
  }
};

const refuseLaunchParameters = (parameters: NonNullable<DevboxCreate['launch_parameters']>): void => {
  const { lifecycle } = parameters;
  if (lifecycle?.resume_triggers?.http === true || lifecycle?.resume_triggers?.axon_event === true) {
    refuse('resuming on a trigger (lifecycle.resume_triggers)');
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
  if (isFilled(wish.gateways)) {
    refuse('an agent gateway (gateways)');
  }
  if (isFilled(wish.mcp)) {
    refuse('an MCP hub (mcp)');
  }
  if (wish.tunnel !== undefined) {
    refuse('a tunnel (tunnel)');
  }
  if (wish.launch_parameters !== undefined) {
    refuseLaunchParameters(wish.launch_parameters);
    refuseArchitecture(wish.launch_parameters.architecture);
  }
};
