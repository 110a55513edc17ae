import { type BuildState, type Host, HostError } from '@berth/host/contract';
import { ApiError } from '../errors/api-error.ts';
import type { Repositories } from '../repositories/repositories.ts';
import type { SecretService } from '../secrets/service.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { buildSpec } from './build-spec.ts';
import { prepareCodeTrees } from './code-trees.ts';
import type { BuildContexts } from './contexts.ts';
import type { BuildCredentials } from './credentials.ts';
import type { BlueprintSettings } from './settings.ts';
import { treeArchive } from './tree-archive.ts';

export interface BuildRequestParts {
  readonly secrets: Pick<SecretService, 'reveal' | 'open'>;
  readonly contexts: BuildContexts;
  readonly repositories: Repositories;
  readonly settings: Pick<BlueprintSettings, 'limits'>;
}

/** Hands builds over to the host, with the values that secrets have now. They are kept nowhere. */
export class BuildRequests {
  readonly #parts: BuildRequestParts;

  constructor(parts: BuildRequestParts) {
    this.#parts = parts;
  }

  /** Sends context and build. @throws HostError also for a secret, a context or a repository that cannot be had any more */
  async send(
    host: Pick<Host, 'startBuild' | 'putBuildContext'>,
    blueprint: Blueprint,
    signal: AbortSignal,
  ): Promise<BuildState> {
    const { secrets: wanted = {}, build_context: context, code_mounts: mounts = [] } = parametersOf(blueprint);
    const { repositories, settings } = this.#parts;
    const account = blueprint.account_id;
    const values = await this.#secretValues(account, wanted);
    const { codeTokens } = this.#credentials(blueprint) ?? { codeTokens: {} };
    const trees = await prepareCodeTrees(repositories, account, mounts ?? [], codeTokens, signal);
    try {
      const given = context && (await this.#context(account, context.object_id));
      if (trees.files.length > 0) {
        const own =
          given === undefined ? [] : [{ name: 'context', sizeBytes: given.sizeBytes, content: () => given.content }];
        await host.putBuildContext(blueprint.id, treeArchive([...own, ...trees.files]), signal);
      } else if (given !== undefined) {
        await host.putBuildContext(blueprint.id, given.content, signal);
      }
      return await host.startBuild(buildSpec(blueprint, trees, values, settings));
    } finally {
      trees.release();
    }
  }

  async #secretValues(
    account: string,
    wanted: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const found = await this.#parts.secrets.reveal(account, [...new Set(Object.values(wanted))]);
    const values: Record<string, string> = {};
    for (const [variable, name] of Object.entries(wanted)) {
      const value = found.get(name);
      if (value === undefined) {
        throw new HostError('internal', `secret '${name}' was deleted before the build began`);
      }
      values[variable] = value;
    }
    return values;
  }

  #credentials({ id, account_id, sealed_key_id, sealed_credentials }: Blueprint): BuildCredentials | undefined {
    return sealed_key_id === null || sealed_credentials === null
      ? undefined
      : JSON.parse(this.#parts.secrets.open(account_id, id, { keyId: sealed_key_id, bytes: sealed_credentials }));
  }

  async #context(account: string, objectId: string): ReturnType<BuildContexts['open']> {
    try {
      return await this.#parts.contexts.open(account, objectId);
    } catch (error) {
      throw error instanceof ApiError && error.status < 500
        ? new HostError('internal', `the build context: ${error.message}`, { cause: error })
        : error;
    }
  }
}
