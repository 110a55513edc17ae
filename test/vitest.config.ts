import { defineConfig } from 'vitest/config';

/** One group of files: they share one private platform, and the groups run one after another so that they do not share two cores. */
const group = (
  name: string,
  order: number,
  options: { readonly ownPlatform?: boolean; readonly workers?: number } = {},
) => ({
  test: {
    name,
    root: import.meta.dirname,
    include: [`${name}/**/*.test.ts`],
    ...(options.ownPlatform === true ? {} : { globalSetup: ['platform/global-setup.ts'] }),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: options.workers ?? 2,
    sequence: { groupOrder: order },
  },
});

export default defineConfig({
  test: {
    projects: [
      group('platform', 0, { ownPlatform: true, workers: 1 }),
      group('conformance', 1),
      group('limits', 2, { workers: 1 }),
      group('escape', 3, { workers: 1 }),
      group('launcher', 4, { ownPlatform: true, workers: 1 }),
      group('chaos', 5, { ownPlatform: true, workers: 1 }),
    ],
  },
});
