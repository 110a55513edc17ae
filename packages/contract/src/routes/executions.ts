import {
  executeAsyncBody,
  executeBody,
  executeSyncBody,
  executionDetailView,
  executionKill,
  executionView,
  executionWait,
  lastLinesQuery,
  outputChunk,
  outputQuery,
  stdinBody,
  stdinResult,
} from '../executions.ts';
import { defineRoute } from '../route.ts';
import { byDevbox, byExecution, readDevboxes, writeDevboxes } from './devbox-parts.ts';

const tag = 'executions';
const start = { method: 'POST', tag, access: writeDevboxes, idempotency: 'token', ...byDevbox } as const;
const change = { method: 'POST', tag, access: writeDevboxes, idempotency: 'token', ...byExecution } as const;
const follow = {
  method: 'GET',
  tag,
  access: readDevboxes,
  ...byExecution,
  query: outputQuery,
  response: { kind: 'sse', event: outputChunk },
} as const;

/** Executions and named shells (API §4). The host dedupes by execution id, so nothing here is remembered twice. */
export const executionRoutes = {
  execute: defineRoute({
    ...start,
    path: '/v1/devboxes/{id}/execute',
    operationId: 'execute',
    summary: 'Run a command and wait a little for its end',
    query: lastLinesQuery,
    body: executeBody,
    response: executionView,
  }),
  executeAsync: defineRoute({
    ...start,
    path: '/v1/devboxes/{id}/execute_async',
    operationId: 'executeAsync',
    summary: 'Start a command and answer at once',
    body: executeAsyncBody,
    response: executionView,
  }),
  executeSync: defineRoute({
    ...start,
    path: '/v1/devboxes/{id}/execute_sync',
    operationId: 'executeSync',
    summary: 'Run a command to its end (deprecated)',
    body: executeSyncBody,
    response: executionDetailView,
  }),
  get: defineRoute({
    method: 'GET',
    path: '/v1/devboxes/{id}/executions/{execution_id}',
    operationId: 'getExecution',
    summary: 'View an execution',
    tag,
    access: readDevboxes,
    ...byExecution,
    query: lastLinesQuery,
    response: executionView,
  }),
  waitForStatus: defineRoute({
    ...change,
    access: readDevboxes,
    path: '/v1/devboxes/{id}/executions/{execution_id}/wait_for_status',
    operationId: 'waitForExecutionStatus',
    summary: 'Wait until the execution has one of the statuses; 408 when the time is over',
    query: lastLinesQuery,
    body: executionWait,
    response: executionView,
  }),
  kill: defineRoute({
    ...change,
    path: '/v1/devboxes/{id}/executions/{execution_id}/kill',
    operationId: 'killExecution',
    summary: 'End an execution; one that has ended is left as it is',
    body: executionKill,
    response: executionView,
  }),
  sendStdIn: defineRoute({
    ...change,
    path: '/v1/devboxes/{id}/executions/{execution_id}/send_std_in',
    operationId: 'sendStdIn',
    summary: 'Write to the standard input, close it, or interrupt',
    // Bytes written twice are not the same as once: the first answer is given again.
    idempotency: 'replay',
    body: stdinBody,
    response: stdinResult,
  }),
  streamStdout: defineRoute({
    ...follow,
    path: '/v1/devboxes/{id}/executions/{execution_id}/stream_stdout_updates',
    operationId: 'streamStdout',
    summary: 'Standard output from an offset on, as it comes',
  }),
  streamStderr: defineRoute({
    ...follow,
    path: '/v1/devboxes/{id}/executions/{execution_id}/stream_stderr_updates',
    operationId: 'streamStderr',
    summary: 'Standard error from an offset on, as it comes',
  }),
};
