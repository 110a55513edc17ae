import type { TestProject } from 'vitest/node';
import { Platform } from './platform.ts';

/** Starts the one platform of a group of test files and ends it, leaks checked, when all of them have run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await Platform.start(project.config.env['BERTH_ISOLATION']);
  project.provide('platform', platform.address);
  return async () => {
    const left = await platform.stop();
    if (left.length > 0) {
      throw new Error(`left behind after the tests of ${project.name}:\n${left.join('\n')}`);
    }
  };
}
