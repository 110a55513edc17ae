import { HostError, type HostErrorCode } from '@berth/host/contract';
import { type ApiError, apiError } from '../errors/api-error.ts';

/** What a call was about, to fill messages. */
export interface CallSubject {
  readonly devboxId: string;
  readonly executionId?: string;
  /** The call would start the execution rather than look at it. */
  readonly starts?: true;
  readonly path?: string;
}

const shortPath = (path: string | undefined): string => (path ?? 'the file').slice(0, 500);

const translations: { readonly [Code in HostErrorCode]?: (subject: CallSubject, error: HostError) => ApiError } = {
  boxNotFound: ({ devboxId, executionId, starts }) =>
    executionId === undefined || starts === true
      ? apiError('devboxNotRunning', { id: devboxId, status: 'gone' })
      : apiError('notFound', { resource: 'execution', id: executionId }),
  boxNotRunning: ({ devboxId }) => apiError('devboxNotRunning', { id: devboxId, status: 'stopped' }),
  executionNotFound: ({ executionId }) => apiError('notFound', { resource: 'execution', id: executionId ?? '' }),
  executionConflict: ({ executionId }) => apiError('executionConflict', { id: executionId ?? '' }),
  stdinNotAttached: ({ executionId }) => apiError('stdinNotAttached', { id: executionId ?? '' }),
  fileNotFound: ({ path }) => apiError('fileNotFound', { path: shortPath(path) }),
  isDirectory: ({ path }) => apiError('fileIsDirectory', { path: shortPath(path) }),
  notDirectory: ({ path }) => apiError('fileParentNotDirectory', { path: shortPath(path) }),
  permissionDenied: ({ path }) => apiError('filePermissionDenied', { path: shortPath(path) }),
  noSpace: ({ path }) => apiError('fileNoSpace', { path: shortPath(path) }),
  tooLarge: ({ path }) => apiError('fileTooLarge', { path: shortPath(path) }),
  invalidPath: ({ path }, error) =>
    apiError('filePathInvalid', { path: shortPath(path), problem: error.message.slice(0, 200) }),
};

/** The error for the caller of the API; what is not the caller's matter is returned as it is. */
export const translateHostError = (error: unknown, subject: CallSubject): unknown =>
  error instanceof HostError ? (translations[error.code]?.(subject, error) ?? error) : error;

/** Makes a call to the host and speaks of its failures in the words of the API. */
export const callHost = async <Value>(subject: CallSubject, call: () => Promise<Value>): Promise<Value> => {
  try {
    return await call();
  } catch (error) {
    throw translateHostError(error, subject);
  }
};

/** The same for what arrives piece by piece. */
export async function* streamFromHost<Item>(subject: CallSubject, items: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* items;
  } catch (error) {
    throw translateHostError(error, subject);
  }
}
