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
