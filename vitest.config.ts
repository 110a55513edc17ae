import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** How much longer than on a usual machine everything may take: 20 where the processor is emulated. */
const patience = Number(process.env['BERTH_TEST_PATIENCE'] ?? 1);
const shared = { exclude: ['**/node_modules/**'], testTimeout: 60_000 * patience, hookTimeout: 60_000 * patience };

export default defineConfig({
  test: {
    // They wait more than they compute, and one processor less than there are would be one on a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { ...shared, name: 'unit', include: ['packages/{contract,guest,host,cli}/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'server',
          include: ['packages/server/**/*.test.ts'],
          globalSetup: ['packages/server/test/global-setup.ts'],
        },
      },
    ],
  },
});
