/** How an installation builds. */
export interface BuildConfiguration {
  /** A name in PATH or a path. */
  readonly buildah: string;
  /** At a time. */
  readonly parallelBuilds: number;
  /** Largest context that is taken. */
  readonly maxContextBytes: number;
  /** Largest number of files that the layers of one build may have. */
  readonly maxFiles: number;
  /** What images and cache may take before unused layers go, least recently used first. */
  readonly cacheBytes: number;
  /** registries.conf of containers-registries.conf(5) for names that no store knows; left out for the plain ones. */
  readonly registriesFile: string | undefined;
  /** auth.json of containers-auth.json(5): logins at registries. */
  readonly registriesAuthFile: string | undefined;
  /** `host:port` of registries that are in private networks, or on this machine. */
  readonly privateRegistries: readonly string[];
  /** How long one image may take to be pulled. */
  readonly pullTimeoutMs: number;
  /** `auto`: a registry is asked where it can be reached, else Debian and Ubuntu are made here; `local`: none is asked; `registry`: nothing is made here. */
  readonly bases: 'auto' | 'local' | 'registry';
}

const GIB = 2 ** 30;

/** Reads the environment. @throws Error that names the variable which is wrong */
export function readBuildConfiguration(environment: NodeJS.ProcessEnv): BuildConfiguration {
  const number = (name: string, otherwise: number): number => {
    const value = environment[name];
    if (value !== undefined && !/^[1-9]\d{0,15}$/.test(value)) {
      throw new Error(`${name}: a whole number above 0`);
    }
    return value === undefined ? otherwise : Number(value);
  };
  const bases = environment['BERTH_BASE_IMAGES'] ?? 'auto';
  if (bases !== 'auto' && bases !== 'local' && bases !== 'registry') {
    throw new Error('BERTH_BASE_IMAGES: auto, local or registry');
  }
  const privateRegistries = (environment['BERTH_PRIVATE_REGISTRIES'] ?? '').split(/[\s,]+/).filter(Boolean);
  for (const one of privateRegistries) {
    if (!/^[\w.-]+:\d{1,5}$/.test(one)) {
      throw new Error('BERTH_PRIVATE_REGISTRIES: host:port, several apart by spaces');
    }
  }
  return {
    buildah: environment['BERTH_BUILDAH'] || 'buildah',
    parallelBuilds: number('BERTH_PARALLEL_BUILDS', 2),
    maxContextBytes: number('BERTH_BUILD_CONTEXT_BYTES', 8 * GIB),
    maxFiles: number('BERTH_BUILD_FILES', 2_000_000),
    cacheBytes: number('BERTH_BUILD_CACHE_BYTES', 20 * GIB),
    registriesFile: environment['BERTH_REGISTRIES_CONF'] || undefined,
    registriesAuthFile: environment['BERTH_REGISTRIES_AUTH'] || undefined,
    privateRegistries,
    pullTimeoutMs: 1_000 * number('BERTH_PULL_SECONDS', 15 * 60),
    bases,
  };
}
