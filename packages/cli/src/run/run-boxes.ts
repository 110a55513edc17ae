import type { DevboxListView } from '@berth/contract';
import { shutDownDevbox } from '../devboxes/lifecycle.ts';
import type { AttemptListener, AttemptReport, RunPlan } from './attempt.ts';
import type { Package } from './pack.ts';
import { performAttempt } from './perform-attempt.ts';

/** Label of every box of one run. */
export const runLabel = 'berth_run';

/**
 * Works in all boxes at once, `atOnce` at most.
 * @param listenerOf makes the listener of one attempt, by its index from 0 on
 * @returns the reports in the order of the repositories
 */
export const runBoxes = async (
  plan: RunPlan,
  repositories: ReadonlyArray<Package | undefined>,
  atOnce: number,
  listenerOf: (index: number) => AttemptListener,
): Promise<AttemptReport[]> => {
  const reports: AttemptReport[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < repositories.length) {
      const index = next;
      next += 1;
      reports[index] = plan.interrupt.aborted
        ? { index, outcome: 'interrupted' }
        : await performAttempt(plan, index, repositories[index], listenerOf(index));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, repositories.length) }, worker));
  if (!plan.keepBoxes) {
    await endStrays(plan);
  }
  return reports;
};

/** Ends boxes of this run whose create call was answered to nobody. */
const endStrays = async ({ client, wish }: RunPlan): Promise<void> => {
  const run = wish.metadata?.[runLabel];
  if (run === undefined) {
    return;
  }
  const page = await client.json<DevboxListView>('GET', '/v1/devboxes', {
    query: { [`metadata[${runLabel}]`]: run, limit: 1_000, include_total_count: false },
  });
  const living = page.devboxes.filter(({ status }) => status !== 'shutdown' && status !== 'failure');
  await Promise.all(living.map(({ id }) => shutDownDevbox(client, id)));
};
