import { z } from 'zod';
import type { RepositorySettings } from '../repositories/settings.ts';

const words = z.string().transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''));
const bytes = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a number of bytes')
  .transform(Number)
  .pipe(z.int().positive());

/** Variables of the environment that say how repositories are fetched. */
export const repositoryVariables = {
  BERTH_GITHUB_URL: z
    .string()
    .regex(/^[a-z+.-]+:\/\//, 'must be a URL')
    .optional(),
  BERTH_GIT_PRIVATE_HOSTS: words.optional(),
  BERTH_GIT_PROTOCOLS: words.pipe(z.array(z.enum(['https', 'http', 'git', 'file']))).optional(),
  BERTH_GIT_CACHE_BYTES: bytes.optional(),
  BERTH_GIT_REPOSITORY_BYTES: bytes.optional(),
};

type Values = { readonly [Name in keyof typeof repositoryVariables]?: z.output<(typeof repositoryVariables)[Name]> };

export const repositorySettings = (values: Values, directory: string): Partial<RepositorySettings> => ({
  directory,
  ...(values.BERTH_GITHUB_URL === undefined ? {} : { githubUrl: values.BERTH_GITHUB_URL }),
  ...(values.BERTH_GIT_PRIVATE_HOSTS === undefined ? {} : { privateHosts: values.BERTH_GIT_PRIVATE_HOSTS }),
  ...(values.BERTH_GIT_PROTOCOLS === undefined ? {} : { protocols: values.BERTH_GIT_PROTOCOLS }),
  ...(values.BERTH_GIT_CACHE_BYTES === undefined ? {} : { cacheBytes: values.BERTH_GIT_CACHE_BYTES }),
  ...(values.BERTH_GIT_REPOSITORY_BYTES === undefined ? {} : { repositoryBytes: values.BERTH_GIT_REPOSITORY_BYTES }),
});
