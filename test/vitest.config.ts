import { defineConfig } from 'vitest/config';
import { runsc } from './platform/artifacts.ts';

/** One group of files: they share one private platform, and the groups run one after another so that they do not share two cores. */
const group = (
  folder: string,
  order: number,
  options: {
    readonly ownPlatform?: boolean;
    readonly workers?: number;
    readonly grade?: 'gvisor';
    readonly files?: readonly string[];
  } = {},
) => ({
  test: {
    name: options.grade === undefined ? folder : `${folder} ${options.grade}`,
    root: import.meta.dirname,
    include: (options.files ?? ['**/*']).map((files) => `${folder}/${files}.test.ts`),
    // Read by the files of the group and, out of the project's configuration, by its set-up.
    env: options.grade === undefined ? {} : { BERTH_ISOLATION: options.grade },
    ...(options.ownPlatform === true ? {} : { globalSetup: ['platform/global-setup.ts'] }),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: options.workers ?? 2,
    sequence: { groupOrder: order },
  },
});

/** Conformance where the grade of isolation can make a difference; BERTH_TEST_ALL_GRADES=1 runs all of it. */
const gradeMatters = [
  'blueprints/build',
  'blueprints/context',
  ...[
    'agents',
    'code-mounts',
    'devbox-create',
    'devbox-fork',
    'devbox-lifecycle',
    'devbox-setup',
    'devbox-suspend',
    'execution-*',
    'files*',
    'logs',
    'object-mounts',
    'objects',
    'snapshots',
  ].map((name) => `typescript/${name}`),
];
const every = process.env['BERTH_TEST_ALL_GRADES'] === '1';

/** Again under gVisor, where there is a runsc. */
if (process.env['BERTH_TEST_COMPLETE'] === '1' && runsc() === undefined) {
  throw new Error('there is no runsc: the grade gvisor would not be tested');
}
const sandboxed =
  runsc() === undefined
    ? []
    : [
        group('conformance', 6, {
          grade: 'gvisor',
          files: every ? ['**/*'] : gradeMatters,
        }),
        group('escape', 7, { workers: 1, grade: 'gvisor' }),
      ];

export default defineConfig({
  test: {
    projects: [
      group('platform', 0, { ownPlatform: true, workers: 1 }),
      group('conformance', 1),
      group('limits', 2, { workers: 1 }),
      group('escape', 3, { workers: 1 }),
      group('launcher', 4, { ownPlatform: true, workers: 1 }),
      group('agents', 5, { workers: 1 }),
      group('chaos', 5, { ownPlatform: true, workers: 1 }),
      ...sandboxed,
      group('model', 8, { ownPlatform: true, workers: 1 }),
    ],
  },
});
