import type { BlueprintBuildParameters, BlueprintParametersView } from '@berth/contract';

/** What a request holds that nobody may see again: kept sealed until the build has ended. */
export interface BuildCredentials {
  /** Token by place in `code_mounts`. */
  readonly codeTokens: Readonly<Record<number, string>>;
}

/** Takes tokens and passwords out of a request. Those of services are of no use before services can be started, and are not kept. */
export const withoutCredentials = (
  wish: BlueprintBuildParameters,
): { readonly parameters: BlueprintParametersView; readonly credentials: BuildCredentials | undefined } => {
  const { code_mounts, services, ...others } = wish;
  const codeTokens: Record<number, string> = {};
  for (const [index, { token }] of (code_mounts ?? []).entries()) {
    if (token !== undefined && token !== '') {
      codeTokens[index] = token;
    }
  }
  return {
    parameters: {
      ...others,
      ...(code_mounts === undefined ? {} : { code_mounts: code_mounts.map(({ token: _token, ...mount }) => mount) }),
      ...(services === undefined
        ? {}
        : { services: services.map(({ credentials: _credentials, ...service }) => service) }),
    },
    credentials: Object.keys(codeTokens).length === 0 ? undefined : { codeTokens },
  };
};
