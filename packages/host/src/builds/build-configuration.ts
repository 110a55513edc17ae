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
  return {
    buildah: environment['BERTH_BUILDAH'] || 'buildah',
    parallelBuilds: number('BERTH_PARALLEL_BUILDS', 2),
    maxContextBytes: number('BERTH_BUILD_CONTEXT_BYTES', 8 * GIB),
    maxFiles: number('BERTH_BUILD_FILES', 2_000_000),
    cacheBytes: number('BERTH_BUILD_CACHE_BYTES', 20 * GIB),
    registriesFile: environment['BERTH_REGISTRIES_CONF'] || undefined,
    bases,
  };
}
