import { z } from 'zod';
import { HostError, type HostErrorCode } from '../contract/index.ts';

const codes: Readonly<Record<HostErrorCode, true>> = {
  hostUnavailable: true,
  boxNotFound: true,
  boxNotRunning: true,
  boxNotSuspended: true,
  snapshotNotFound: true,
  checkpointUnusable: true,
  memoryUnsupported: true,
  executionNotFound: true,
  executionConflict: true,
  stdinNotAttached: true,
  stdinClosed: true,
  isolationUnavailable: true,
  networkUnshareable: true,
  imageUnavailable: true,
  buildsUnavailable: true,
  buildNotFound: true,
  fileNotFound: true,
  isDirectory: true,
  notDirectory: true,
  permissionDenied: true,
  noSpace: true,
  tooLarge: true,
  invalidPath: true,
  connectRefused: true,
  cancelled: true,
  internal: true,
};

const wireError = z.object({
  code: z.custom<HostErrorCode>((code) => typeof code === 'string' && Object.hasOwn(codes, code)),
  message: z.string(),
  retryable: z.boolean(),
});

/** The one place where errors leave the host: what is not a HostError becomes `internal`. */
export function toWire(error: unknown): { code: HostErrorCode; message: string; retryable: boolean } {
  if (error instanceof HostError) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  if (error instanceof z.ZodError) {
    const tooLarge = error.issues.some((issue) => issue.code === 'too_big' && issue.origin === 'string');
    return { code: tooLarge ? 'tooLarge' : 'internal', message: z.prettifyError(error), retryable: false };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), retryable: false };
}

/** The one place where errors reach the client; a code that this version does not know becomes `internal`. */
export function fromWire(payload: Buffer): HostError {
  const parsed = wireError.safeParse(JSON.parse(payload.toString()));
  if (!parsed.success) {
    return new HostError('internal', `unknown failure: ${payload.toString('utf8', 0, 500)}`);
  }
  return new HostError(parsed.data.code, parsed.data.message, { retryable: parsed.data.retryable });
}
