import { defineConfig } from 'vitest/config';
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: ['platform/zz-setup.ts'],
    testTimeout: 30000,
    hookTimeout: 30000,
    maxWorkers: 1,
  },
});
