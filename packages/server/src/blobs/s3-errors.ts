import { BlobStoreFull, BlobStoreUnavailable } from './blob-store.ts';

interface S3Failure {
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const fullNames: ReadonlySet<unknown> = new Set(['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull']);

const statusOf = (error: unknown): number | undefined => (error as S3Failure | undefined)?.$metadata?.httpStatusCode;

/** Whether the answer was that there is no such object. */
export const isMissing = (error: unknown): boolean => error instanceof Error && error.name === 'NoSuchKey';

/** What a failed call means: no answer, or one that says so, is a store that is away for now. */
export const translateS3Error = (error: unknown): unknown => {
  if (!(error instanceof Error) || error.name === 'AbortError') {
    return error;
  }
  const status = statusOf(error);
  if (fullNames.has(error.name) || status === 507) {
    return new BlobStoreFull(error.message, { cause: error });
  }
  const hasNoAnswer = status === undefined && 'code' in error;
  return hasNoAnswer || (status !== undefined && (status >= 500 || status === 429))
    ? new BlobStoreUnavailable(error.message, { cause: error })
    : error;
};
