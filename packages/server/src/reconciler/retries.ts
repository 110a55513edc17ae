import { HostError } from '@berth/host/contract';

/** Attempts at a step that fails in a way that may pass. */
const maximumAttempts = 5;

/** Whether a step is worth repeating: always while the host or the database is away, some times when the host says that it may pass. */
export const maySucceedLater = (error: unknown, attempt: number): boolean =>
  !(error instanceof HostError) ||
  error.code === 'hostUnavailable' ||
  error.code === 'cancelled' ||
  (error.retryable && attempt + 1 < maximumAttempts);

/** What a caught error says. */
export const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
