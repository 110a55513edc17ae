import {
  type BlueprintBuildParameters,
  type BlueprintListQuery,
  type BlueprintListView,
  type BlueprintView,
  isWellFormedId,
  newId,
} from '@berth/contract';
import type { Limits } from '../accounts/limits.ts';
import { checkBlueprintQuota } from '../admission/quotas.ts';
import { boxUser } from '../devboxes/box-spec.ts';
import { apiError } from '../errors/api-error.ts';
import type { SecretService } from '../secrets/service.ts';
import { requireServices } from '../sidecars/options.ts';
import { type Blueprint, blueprintView } from './blueprint.ts';
import { dockerfileOf } from './build-spec.ts';
import type { BuildContexts } from './contexts.ts';
import { withoutCredentials } from './credentials.ts';
import type { BlueprintListStore, BlueprintOwner } from './list-store.ts';
import type { BlueprintReference } from './lock.ts';
import { previewDockerfile } from './preview.ts';
import { buildSteps, cloneSteps } from './steps.ts';
import type { BlueprintStore } from './store.ts';

export interface BlueprintServiceParts {
  readonly store: BlueprintStore;
  readonly lists: BlueprintListStore;
  readonly secrets: Pick<SecretService, 'reveal' | 'seal'>;
  readonly contexts: BuildContexts;
  readonly limits: Limits;
  /** `codeOrigin`: where the repositories of code mounts are. */
  readonly settings: { readonly codeOrigin: string };
  /** Called after a change that the keeper has to act on. It would find it by itself, a little later. */
  readonly onUnsettled: (id: string) => void;
}

/** Stands for the image of the base blueprint in a Dockerfile that is given beside one. */
const baseName = 'berth:base';

const baseOf = (wish: BlueprintBuildParameters): BlueprintReference | undefined => {
  const { base_blueprint_id: id, base_blueprint_name: name } = wish;
  if (id !== undefined && !isWellFormedId('blueprint', id)) {
    throw apiError('unknownSource', { resource: 'blueprint', id: id.slice(0, 200) });
  }
  const reference = id === undefined ? (name === undefined ? undefined : { name }) : { id };
  const dockerfile = dockerfileOf(wish);
  if (reference !== undefined && dockerfile !== undefined && !dockerfile.includes(baseName)) {
    throw apiError('invalidRequest', { problem: `a Dockerfile beside a base blueprint has to say FROM ${baseName}` });
  }
  return reference;
};

/** Blueprints as callers ask for them (API §12). It writes what is wanted; the keeper makes it so. */
export class BlueprintService {
  readonly #parts: BlueprintServiceParts;

  constructor(parts: BlueprintServiceParts) {
    this.#parts = parts;
  }

  /**
   * Writes the wish and answers at once. The same token always means the same blueprint. Throws `unknownSource`, `blueprintNotReady` for
   * the base, `unknownSecret`, `quotaExceeded`.
   */
  async create(account: string, wish: BlueprintBuildParameters, token: string | undefined): Promise<BlueprintView> {
    const base = baseOf(wish);
    requireServices(wish.services ?? []);
    await this.#requireSecrets(account, Object.values(wish.secrets ?? {}));
    await this.#requireContext(account, wish);
    await this.#requireServiceImages(account, wish);
    const quotas = await this.#parts.limits.of(account);
    const id = newId('blueprint');
    const { parameters, credentials } = withoutCredentials(wish);
    const made = await this.#parts.store.insert(
      {
        id,
        accountId: account,
        name: wish.name,
        parameters: JSON.stringify(parameters),
        metadata: wish.metadata ?? {},
        sealed: credentials && this.#parts.secrets.seal(account, id, JSON.stringify(credentials)),
        base,
      },
      token,
      (usage) => checkBlueprintQuota(quotas, usage),
    );
    this.#parts.onUnsettled(made);
    return this.get(account, made);
  }

  /** The Dockerfile that stands for what would be built. Nothing is looked up. */
  preview(wish: BlueprintBuildParameters): { readonly dockerfile: string } {
    const user = boxUser({ launchParameters: wish.launch_parameters ?? {} });
    return {
      dockerfile: previewDockerfile({
        dockerfile: dockerfileOf(wish),
        baseBlueprint: wish.base_blueprint_id ?? wish.base_blueprint_name,
        user,
        steps: buildSteps(withoutCredentials(wish).parameters, user, (mount) =>
          cloneSteps(mount, user.home, this.#parts.settings.codeOrigin),
        ),
      }),
    };
  }

  /** Throws `notFound`. A deleted one can still be looked at. */
  async get(account: string, id: string): Promise<BlueprintView> {
    return blueprintView((await this.#parts.store.findVisible(account, id)) ?? notFound(id));
  }

  /** The row, if the account has it. Throws `notFound`. */
  async require(account: string, id: string): Promise<Blueprint> {
    return (await this.#parts.store.findOwned(account, id)) ?? notFound(id);
  }

  async list(owner: BlueprintOwner, query: BlueprintListQuery): Promise<BlueprintListView> {
    const page = await this.#parts.lists.page(owner, query);
    return {
      blueprints: page.blueprints.map(blueprintView),
      has_more: page.hasMore,
      ...(page.totalCount === null ? {} : { total_count: page.totalCount }),
    };
  }

  async metadataKeys(owner: BlueprintOwner): Promise<{ readonly keys: string[] }> {
    return { keys: await this.#parts.lists.metadataKeys(owner) };
  }

  async metadataValues(
    owner: BlueprintOwner,
    key: string,
  ): Promise<{ readonly key: string; readonly values: string[] }> {
    return { key, values: await this.#parts.lists.metadataValues(owner, key) };
  }

  /** Ends the build; one that has ended is left as it is. Throws `notFound`. */
  async cancel(account: string, id: string): Promise<BlueprintView> {
    if (await this.#parts.store.cancel(account, id)) {
      this.#parts.onUnsettled(id);
    }
    return blueprintView(await this.require(account, id));
  }

  /** Any number of times. Throws `notFound`, `blueprintInUse`. */
  async remove(account: string, id: string): Promise<void> {
    if (!(await this.#parts.store.markDeleted(account, id))) {
      notFound(id);
    }
    this.#parts.onUnsettled(id);
  }

  async #requireSecrets(account: string, names: readonly string[]): Promise<void> {
    const found = await this.#parts.secrets.reveal(account, [...new Set(names)]);
    const unknown = names.find((name) => !found.has(name));
    if (unknown !== undefined) {
      throw apiError('unknownSecret', { name: unknown.slice(0, 200) });
    }
  }

  /** A service may run the image of a blueprint that is built. */
  async #requireServiceImages(account: string, { services = [] }: BlueprintBuildParameters): Promise<void> {
    for (const { image } of services.filter((service) => isWellFormedId('blueprint', service.image))) {
      const found = await this.#parts.store.findVisible(account, image);
      if (found === undefined || found.deleted) {
        throw apiError('unknownSource', { resource: 'blueprint', id: image });
      }
      if (found.status !== 'build_complete') {
        throw apiError('blueprintNotReady', { id: image, status: found.status });
      }
    }
  }

  async #requireContext(account: string, wish: BlueprintBuildParameters): Promise<void> {
    if (wish.build_context !== undefined) {
      await this.#parts.contexts.require(account, wish.build_context.object_id);
    }
  }
}

const notFound = (id: string): never => {
  throw apiError('notFound', { resource: 'blueprint', id });
};
