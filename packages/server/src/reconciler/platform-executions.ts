import type { Devbox } from '../devboxes/devbox.ts';

/**
 * Ids of the executions that the platform itself starts: the same ones after a restart of the server, so that nothing runs twice; others with
 * each start of the box from its disk and each suspension, so that everything runs again. Clients cannot use them (`reservedExecutionId`).
 */
const numbered = (base: string, start: number): string => (start === 0 ? base : `${base}-${start}`);

/** The `index`-th launch command of the present start. */
export const setupExecutionId = (box: Pick<Devbox, 'restarts'>, index: number): string =>
  `${numbered('setup', box.restarts)}-${index}`;

/** The main process of the present start. */
export const entrypointExecutionId = (box: Pick<Devbox, 'restarts'>): string => numbered('entrypoint', box.restarts);

/** One of what the `index`-th mount runs in the box. Mounts are placed once, whatever starts follow. */
export const mountExecutionId = (index: number, step: number): string => `mount-${index}-${step}`;

/** Whether an execution is the main process of a box, in whichever start. */
export const isEntrypoint = (executionId: string): boolean => /^entrypoint(-\d+)?$/.test(executionId);

/** The `index`-th suspend command of the present suspension. */
export const suspendExecutionId = (box: Pick<Devbox, 'suspensions'>, index: number): string =>
  `suspend-${box.suspensions}-${index}`;
