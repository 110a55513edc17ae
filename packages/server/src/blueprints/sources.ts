import { type BlueprintParametersView, isWellFormedId, type LaunchParameters } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import { parametersOf } from './blueprint.ts';
import type { BlueprintStore } from './store.ts';

type BlueprintServiceView = NonNullable<BlueprintParametersView['services']>[number];

/** What a box takes over from the blueprint that it starts from. */
export interface BlueprintSource {
  readonly id: string;
  readonly launchParameters: LaunchParameters;
  readonly services: readonly BlueprintServiceView[];
}

/** How the body of a create names a blueprint. */
interface SourceWish {
  readonly blueprint_id?: string | undefined;
  readonly blueprint_name?: string | undefined;
}

/** Blueprints as boxes start from them. */
export class BlueprintSources {
  readonly #store: Pick<BlueprintStore, 'findVisible' | 'findByName'>;

  constructor(store: Pick<BlueprintStore, 'findVisible' | 'findByName'>) {
    this.#store = store;
  }

  /**
   * The blueprint that is named; undefined when none is. Whether it is still there is looked at again as the box is written. Throws
   * `unknownSource`, `blueprintNotReady`.
   */
  async sourceOf(account: string, wish: SourceWish): Promise<BlueprintSource | undefined> {
    const { blueprint_id: id, blueprint_name: name } = wish;
    const reference = id ?? name;
    if (reference === undefined) {
      return undefined;
    }
    const found =
      id === undefined
        ? await this.#store.findByName(account, reference)
        : isWellFormedId('blueprint', id)
          ? await this.#store.findVisible(account, id)
          : undefined;
    if (found === undefined || found.deleted) {
      throw apiError('unknownSource', { resource: 'blueprint', id: reference.slice(0, 200) });
    }
    if (found.status !== 'build_complete') {
      throw apiError('blueprintNotReady', { id: found.id, status: found.status });
    }
    const { launch_parameters: launchParameters = {}, services = [] } = parametersOf(found);
    return { id: found.id, launchParameters, services };
  }
}
