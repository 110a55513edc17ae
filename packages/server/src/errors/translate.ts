import { HostError } from '@berth/host/contract';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { ApiError, apiError } from './api-error.ts';

/** Turns anything thrown into an error for the caller. What is unexpected becomes `internal` and keeps its cause for the log. */
export const translateError = (thrown: unknown, requestId: string): ApiError => {
  if (thrown instanceof ApiError) {
    return thrown;
  }
  if (thrown instanceof HostError && thrown.code === 'hostUnavailable') {
    return apiError('hostUnavailable', {}, thrown);
  }
  if (isDatabaseUnavailable(thrown)) {
    return apiError('databaseUnavailable', {}, thrown);
  }
  return apiError('internal', { requestId }, thrown);
};

/** Headers that steer the retries of the official clients (API §1.3). */
export const retryHeaders = (error: ApiError): Record<string, string> => {
  if (error.status === 408) {
    // Retried by its status too, but the real service says so for executions, and clients look at it first.
    return { 'x-should-retry': 'true' };
  }
  const retriedByStatus = error.status === 409 || error.status === 429 || error.status >= 500;
  if (retriedByStatus === error.retryable) {
    return {};
  }
  return { 'x-should-retry': String(error.retryable) };
};
