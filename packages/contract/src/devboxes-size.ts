/** Resources of a box as the API names them. */
export interface NamedSize {
  readonly cpus: number;
  readonly memoryGib: number;
  readonly diskGib: number;
}

/** Values of `resource_size_request` (API §3.6). */
export const devboxSizes = {
  X_SMALL: { cpus: 0.5, memoryGib: 1, diskGib: 4 },
  SMALL: { cpus: 1, memoryGib: 2, diskGib: 4 },
  MEDIUM: { cpus: 2, memoryGib: 4, diskGib: 8 },
  LARGE: { cpus: 2, memoryGib: 8, diskGib: 16 },
  X_LARGE: { cpus: 4, memoryGib: 16, diskGib: 16 },
  XX_LARGE: { cpus: 8, memoryGib: 32, diskGib: 16 },
} as const satisfies Record<string, NamedSize>;

export const defaultDevboxSize = 'SMALL';

/** Disk of a custom size that names none. */
const defaultCustomDiskGib = 4;

/** The parts of launch parameters that decide the size. */
export interface SizeWish {
  readonly resource_size_request?: keyof typeof devboxSizes | 'CUSTOM_SIZE' | undefined;
  readonly custom_cpu_cores?: number | undefined;
  readonly custom_gb_memory?: number | undefined;
  readonly custom_disk_size?: number | undefined;
}

export interface SizeProblem {
  readonly field: 'resource_size_request' | 'custom_cpu_cores' | 'custom_gb_memory' | 'custom_disk_size';
  readonly message: string;
}

const isEven = (value: number): boolean => Number.isInteger(value) && value % 2 === 0;

const cpuProblem = (cpus: number): SizeProblem | undefined =>
  cpus !== 0.5 && cpus !== 1 && !(isEven(cpus) && cpus <= 16)
    ? { field: 'custom_cpu_cores', message: 'must be 0.5, 1 or a multiple of 2, at most 16' }
    : undefined;

const memoryProblem = (memoryGib: number): SizeProblem | undefined =>
  memoryGib !== 1 && !(isEven(memoryGib) && memoryGib <= 64)
    ? { field: 'custom_gb_memory', message: 'must be 1 or a multiple of 2, at most 64' }
    : undefined;

const diskProblem = (diskGib: number): SizeProblem | undefined =>
  !isEven(diskGib) || diskGib > 64
    ? { field: 'custom_disk_size', message: 'must be a multiple of 2 between 2 and 64' }
    : undefined;

const ratioProblem = (cpus: number, memoryGib: number): SizeProblem | undefined =>
  memoryGib < cpus * 2 || memoryGib > cpus * 8
    ? { field: 'custom_gb_memory', message: 'must be between 2 and 8 times custom_cpu_cores' }
    : undefined;

/** What is wrong with a wish for a size, if anything. Half a core is a wish of its own (API §3.6, §27). */
export const fitsCustomSize = (wish: SizeWish): SizeProblem | undefined => {
  const { custom_cpu_cores: cpus, custom_gb_memory: memoryGib, custom_disk_size: diskGib } = wish;
  if (wish.resource_size_request !== 'CUSTOM_SIZE') {
    const given = (['custom_cpu_cores', 'custom_gb_memory', 'custom_disk_size'] as const).find(
      (field) => wish[field] !== undefined,
    );
    return given && { field: given, message: 'needs resource_size_request CUSTOM_SIZE' };
  }
  if (cpus === undefined || memoryGib === undefined) {
    return {
      field: cpus === undefined ? 'custom_cpu_cores' : 'custom_gb_memory',
      message: 'CUSTOM_SIZE needs custom_cpu_cores and custom_gb_memory together',
    };
  }
  return (
    cpuProblem(cpus) ??
    memoryProblem(memoryGib) ??
    (diskGib === undefined ? undefined : diskProblem(diskGib)) ??
    ratioProblem(cpus, memoryGib)
  );
};

/** The size that a valid wish means. */
export const sizeOf = (wish: SizeWish): NamedSize =>
  wish.resource_size_request === 'CUSTOM_SIZE'
    ? {
        cpus: wish.custom_cpu_cores ?? devboxSizes[defaultDevboxSize].cpus,
        memoryGib: wish.custom_gb_memory ?? devboxSizes[defaultDevboxSize].memoryGib,
        diskGib: wish.custom_disk_size ?? defaultCustomDiskGib,
      }
    : devboxSizes[wish.resource_size_request ?? defaultDevboxSize];
