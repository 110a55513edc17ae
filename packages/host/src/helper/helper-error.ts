import { HostError } from '../contract/index.ts';
import type { HelperErrorCode } from './protocol.ts';

/** A command that the helper answered with an error, or could not answer: `lost` when it died before it did. */
export class HelperError extends Error {
  override readonly name = 'HelperError';
  readonly code: HelperErrorCode | 'lost';
  /** Name of the errno (`ENOSPC`), where the kernel gave one. */
  readonly osError: string | undefined;

  constructor(code: HelperErrorCode | 'lost', message: string, osError?: string) {
    super(message);
    this.code = code;
    this.osError = osError;
  }
}

/** The volume, or the disk that the host keeps its files on, has no room. */
export function isDiskFull(error: unknown): boolean {
  const name = error instanceof HelperError ? error.osError : error instanceof Error && 'code' in error && error.code;
  return name === 'ENOSPC' || name === 'EDQUOT';
}

/** What callers of the host hear of a failure; `what` says what failed. */
export function hostErrorOf(error: unknown, what: string): HostError {
  if (error instanceof HostError) {
    return error;
  }
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  return new HostError(isDiskFull(error) ? 'noSpace' : 'internal', message, { cause: error });
}
