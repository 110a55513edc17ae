import type { BlueprintParametersView, BlueprintView } from '@berth/contract';
import type { Selectable } from 'kysely';
import type { BlueprintsTable } from './table.ts';

/** A blueprint as the control plane knows it: its row. */
export type Blueprint = Selectable<BlueprintsTable>;

/** Topic that is announced with every change of one blueprint. */
export const blueprintTopic = (id: string): string => `blueprint:${id}`;

/** Topic that is announced when a blueprint is to be built or removed. */
export const blueprintsUnsettledTopic = 'blueprints:unsettled';

/** Whether its build has still to end. */
export const isBuilding = (blueprint: Pick<Blueprint, 'status'>): boolean =>
  blueprint.status !== 'failed' && blueprint.status !== 'build_complete';

/** The request, without tokens and passwords. */
export const parametersOf = (blueprint: Pick<Blueprint, 'parameters'>): BlueprintParametersView =>
  JSON.parse(blueprint.parameters);

/** A blueprint as clients see it (API §12). */
export const blueprintView = (blueprint: Blueprint): BlueprintView => {
  const parameters = parametersOf(blueprint);
  return {
    id: blueprint.id,
    name: blueprint.name,
    create_time_ms: blueprint.create_ms,
    build_finish_time_ms: blueprint.finish_ms,
    status: blueprint.status,
    state: blueprint.deleted ? 'deleted' : 'created',
    failure_reason: blueprint.failure_reason,
    failure_message: blueprint.failure_message,
    parameters,
    metadata: blueprint.metadata,
    base_blueprint_id: blueprint.base_blueprint_id,
    containerized_services: parameters.services ?? [],
    devbox_capabilities: [],
    is_public: blueprint.is_public,
    size_bytes: blueprint.size_bytes,
    stand_in: blueprint.stand_in,
  };
};
