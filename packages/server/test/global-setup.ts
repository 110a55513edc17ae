import type { TestProject } from 'vitest/node';
import { migrate } from '../src/database/migrate.ts';
import { TestCluster } from './cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the socket of the cluster that a run shares. */
    readonly clusterDirectory: string;
  }
}

/** Database that every test's own is copied from. */
export const templateDatabase = 'berth_template';

/** One cluster for all server tests of a run, with the schema in a template. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const cluster = await TestCluster.create();
  await cluster.execute(`create database ${templateDatabase}`);
  await migrate(cluster.url(templateDatabase));
  project.provide('clusterDirectory', cluster.directory);
  return () => cluster.remove();
};
