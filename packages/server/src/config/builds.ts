import { z } from 'zod';
import { type BlueprintSettings, defaultBlueprintSettings } from '../blueprints/settings.ts';

const positive = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be a number')
  .transform(Number)
  .pipe(z.number().positive());

/** Variables of the environment that bound one build. */
export const buildVariables = {
  BERTH_BUILD_MINUTES: positive.optional(),
  BERTH_BUILD_CPUS: positive.optional(),
  BERTH_BUILD_MEMORY_GIB: positive.optional(),
  BERTH_BUILD_DISK_GIB: positive.optional(),
};

type Values = { readonly [Name in keyof typeof buildVariables]?: z.output<(typeof buildVariables)[Name]> };

const gibibyte = 1024 ** 3;

/** What they say of the settings of blueprints. */
export const buildSettings = (values: Values): Partial<BlueprintSettings> => {
  const { limits } = defaultBlueprintSettings;
  const {
    BERTH_BUILD_MINUTES: minutes,
    BERTH_BUILD_CPUS: cpus,
    BERTH_BUILD_MEMORY_GIB: memoryGib,
    BERTH_BUILD_DISK_GIB: diskGib,
  } = values;
  return [minutes, cpus, memoryGib, diskGib].every((value) => value === undefined)
    ? {}
    : {
        limits: {
          ...limits,
          ...(minutes === undefined ? {} : { timeoutMs: Math.ceil(minutes * 60_000) }),
          ...(cpus === undefined ? {} : { cpus }),
          ...(memoryGib === undefined ? {} : { memoryBytes: Math.ceil(memoryGib * gibibyte) }),
          ...(diskGib === undefined ? {} : { diskBytes: Math.ceil(diskGib * gibibyte) }),
        },
      };
};
