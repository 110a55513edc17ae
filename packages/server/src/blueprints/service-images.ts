import { isWellFormedId } from '@berth/contract';
import type { BuildState, Host } from '@berth/host/contract';
import { boxUser } from '../devboxes/box-spec.ts';
import { ownerIdOf, serviceImageId } from '../sidecars/plan.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { endOf } from './build-end.ts';
import type { BlueprintSettings } from './settings.ts';

/** How far the images of services are: all there, on their way, or that one cannot be had. */
export type ServiceImagesState = 'complete' | 'building' | { readonly problem: string };

export interface ServiceImagesParts {
  readonly host: Pick<
    Host,
    'startBuild' | 'build' | 'builds' | 'cancelBuild' | 'forgetBuild' | 'images' | 'removeImage'
  >;
  readonly settings: Pick<BlueprintSettings, 'limits'>;
}

/** Images of the services of blueprints, each a build of its own: a FROM and nothing else, so that it is found where every FROM is; or that of another blueprint. */
export class ServiceImages {
  readonly #parts: ServiceImagesParts;

  constructor(parts: ServiceImagesParts) {
    this.#parts = parts;
  }

  /** Has those built that are not there yet. Safe to repeat: the host knows each by its id. */
  async advance(blueprint: Pick<Blueprint, 'id' | 'account_id' | 'parameters'>): Promise<ServiceImagesState> {
    let building = false;
    for (const [index, { name, image }] of (parametersOf(blueprint).services ?? []).entries()) {
      const state = await this.#build(blueprint, serviceImageId(blueprint.id, index), image);
      if (state.phase === 'queued' || state.phase === 'running') {
        building = true;
        continue;
      }
      const end = endOf(state);
      if (end === 'lost') {
        await this.#parts.host.forgetBuild(state.id);
        return this.advance(blueprint);
      }
      if (!('image' in end)) {
        return { problem: `service '${name}': image ${image}: ${end.message}` };
      }
    }
    return building ? 'building' : 'complete';
  }

  /** Removes images and builds of all its services. */
  async clear(blueprintId: string): Promise<void> {
    const { host } = this.#parts;
    const known = [...(await host.images()), ...(await host.builds())].map(({ id }) => id);
    for (const id of new Set(known)) {
      if (id !== blueprintId && ownerIdOf(id) === blueprintId) {
        await host.cancelBuild(id);
        await host.removeImage(id);
        await host.forgetBuild(id);
      }
    }
  }

  async #build(blueprint: Pick<Blueprint, 'account_id'>, id: string, image: string): Promise<BuildState> {
    const { host, settings } = this.#parts;
    return (
      (await host.build(id)) ??
      (await host.startBuild({
        id,
        ...(isWellFormedId('blueprint', image) ? { baseImageId: image } : { dockerfile: `FROM ${image}\n` }),
        context: false,
        arguments: {},
        secrets: {},
        steps: [],
        user: boxUser({ launchParameters: {} }),
        cacheScope: blueprint.account_id,
        limits: settings.limits,
      }))
    );
  }
}
