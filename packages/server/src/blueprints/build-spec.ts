import type { BlueprintParametersView } from '@berth/contract';
import type { BuildSpec } from '@berth/host/contract';
import { boxUser } from '../devboxes/box-spec.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import type { CodeTrees } from './code-trees.ts';
import type { BlueprintSettings } from './settings.ts';
import { buildSteps } from './steps.ts';

/** Text that says something: an empty Dockerfile is none. */
export const dockerfileOf = (parameters: Pick<BlueprintParametersView, 'dockerfile'>): string | undefined =>
  parameters.dockerfile === undefined || parameters.dockerfile.trim() === '' ? undefined : parameters.dockerfile;

/** What the host is asked to build. `secrets` holds values by variable name. */
export const buildSpec = (
  blueprint: Pick<Blueprint, 'id' | 'account_id' | 'parameters' | 'base_blueprint_id'>,
  trees: Pick<CodeTrees, 'steps' | 'files'>,
  secrets: Readonly<Record<string, string>>,
  settings: Pick<BlueprintSettings, 'limits'>,
): BuildSpec => {
  const parameters = parametersOf(blueprint);
  const dockerfile = dockerfileOf(parameters);
  const user = boxUser({ launchParameters: parameters.launch_parameters ?? {} });
  return {
    id: blueprint.id,
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(blueprint.base_blueprint_id === null ? {} : { baseImageId: blueprint.base_blueprint_id }),
    context: parameters.build_context !== undefined || trees.files.length > 0,
    arguments: parameters.build_args ?? {},
    secrets,
    steps: buildSteps(parameters, user, (mount, index) => trees.steps(mount, index, user.home)),
    user,
    cacheScope: blueprint.account_id,
    limits: settings.limits,
    ...(parameters.network_policy_id === undefined ? {} : { networkPolicy: parameters.network_policy_id }),
  };
};
