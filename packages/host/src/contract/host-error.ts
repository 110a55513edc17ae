/** Every way in which a Host call can fail. */
export type HostErrorCode =
  | 'hostUnavailable'
  | 'boxNotFound'
  | 'boxNotRunning'
  | 'boxNotSuspended'
  | 'snapshotNotFound'
  | 'checkpointUnusable'
  | 'memoryUnsupported'
  | 'executionNotFound'
  | 'executionConflict'
  | 'stdinNotAttached'
  | 'stdinClosed'
  | 'isolationUnavailable'
  | 'networkUnshareable'
  | 'imageUnavailable'
  | 'buildsUnavailable'
  | 'buildNotFound'
  | 'fileNotFound'
  | 'isDirectory'
  | 'notDirectory'
  | 'permissionDenied'
  | 'noSpace'
  | 'tooLarge'
  | 'invalidPath'
  | 'connectRefused'
  | 'cancelled'
  | 'internal';

/** Carries a stable code over the process border; `retryable` says whether the same call may succeed later. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: HostErrorCode;
  readonly retryable: boolean;

  constructor(
    code: HostErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? code === 'hostUnavailable';
  }
}
