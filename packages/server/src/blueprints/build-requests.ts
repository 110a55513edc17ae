import { type BuildState, type Host, HostError } from '@berth/host/contract';
import { ApiError } from '../errors/api-error.ts';
import type { SecretService } from '../secrets/service.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { buildSpec } from './build-spec.ts';
import type { BuildContexts } from './contexts.ts';
import type { BuildCredentials } from './credentials.ts';
import type { BlueprintSettings } from './settings.ts';

export interface BuildRequestParts {
  readonly secrets: Pick<SecretService, 'reveal' | 'open'>;
  readonly contexts: BuildContexts;
  /** `codeOrigin`: where the repositories of code mounts are. */
  readonly settings: Pick<BlueprintSettings, 'limits'> & { readonly codeOrigin: string };
}

/** Hands builds over to the host, with the values that secrets have now. They are kept nowhere. */
export class BuildRequests {
  readonly #parts: BuildRequestParts;

  constructor(parts: BuildRequestParts) {
    this.#parts = parts;
  }

  /** Sends context and build. @throws HostError also for a secret or a context that was deleted meanwhile */
  async send(host: Pick<Host, 'startBuild' | 'putBuildContext'>, blueprint: Blueprint): Promise<BuildState> {
    const { secrets: wanted = {}, build_context: context } = parametersOf(blueprint);
    const values = await this.#secretValues(blueprint.account_id, wanted);
    const spec = buildSpec(blueprint, this.#credentials(blueprint), values, this.#parts.settings);
    if (context !== undefined) {
      await host.putBuildContext(blueprint.id, await this.#context(blueprint.account_id, context.object_id));
    }
    return host.startBuild(spec);
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

  async #context(account: string, objectId: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      return await this.#parts.contexts.open(account, objectId);
    } catch (error) {
      throw error instanceof ApiError && error.status < 500
        ? new HostError('internal', `the build context: ${error.message}`, { cause: error })
        : error;
    }
  }
}
