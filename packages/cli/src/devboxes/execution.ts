import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionView } from '@berth/contract';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { readEventStream } from '../http/event-stream.ts';

/** Longest hold of one wait for an execution. */
const waitSeconds = 25;
const reconnectMs = 250;
/** Reconnects without a single byte between them before a stream counts as lost. */
const fruitlessReconnects = 40;

export interface ExecutionWish {
  readonly command: string;
  readonly shell_name?: string;
  readonly attach_stdin?: boolean;
}

const path = (devbox: string, rest: string): string => `/v1/devboxes/${encodeURIComponent(devbox)}/${rest}`;
const executionPath = (devbox: string, execution: string, rest = ''): string =>
  path(devbox, `executions/${encodeURIComponent(execution)}${rest}`);

/** Starts a command; the answer comes at once. */
export const startExecution = (client: ApiClient, devbox: string, wish: ExecutionWish): Promise<ExecutionView> =>
  client.json('POST', path(devbox, 'execute_async'), { body: wish });

export const killExecution = (client: ApiClient, devbox: string, execution: string): Promise<ExecutionView> =>
  client.json('POST', executionPath(devbox, execution, '/kill'), { body: { kill_process_group: true } });

/** Waits, however long it takes, until the execution is completed. */
export const untilCompleted = async (client: ApiClient, devbox: string, execution: string): Promise<ExecutionView> => {
  for (;;) {
    try {
      return await client.json<ExecutionView>('POST', executionPath(devbox, execution, '/wait_for_status'), {
        body: { statuses: ['completed'], timeout_seconds: waitSeconds },
      });
    } catch (error) {
      if (!(error instanceof ApiFailure && error.status === 408)) {
        throw error;
      }
    }
  }
};

/**
 * Follows one output of an execution to its end. A stream that breaks, or whose server goes away, is taken up again where it stood.
 * @param sink gets each piece of text in order
 */
export const followOutput = async (
  client: ApiClient,
  devbox: string,
  execution: string,
  stream: 'stdout' | 'stderr',
  sink: (text: string) => void | Promise<void>,
): Promise<void> => {
  let offset = 0;
  for (let fruitless = 0; ; fruitless += 1) {
    try {
      const response = await client.raw('GET', executionPath(devbox, execution, `/stream_${stream}_updates`), {
        query: { offset },
        accept: 'text/event-stream',
      });
      for await (const event of readEventStream(response.body ?? new ReadableStream())) {
        if (event.event === 'error') {
          throw streamFailure(event.data);
        }
        const chunk = JSON.parse(event.data) as { output: string; offset: number };
        await sink(chunk.output);
        offset = chunk.offset;
        fruitless = 0;
      }
      return;
    } catch (error) {
      if ((error instanceof ApiFailure && error.status !== 408) || fruitless >= fruitlessReconnects) {
        throw error;
      }
      await pause(reconnectMs);
    }
  }
};

const streamFailure = (data: string): ApiFailure => {
  const { code, message } = JSON.parse(data) as { code: number | string; message?: string };
  return new ApiFailure(Number(code) || 500, { message: message ?? `the output stream failed: ${code}` });
};

/** Hands text to the standard input of an execution that was started with `attach_stdin`. */
export const sendStdin = (client: ApiClient, devbox: string, execution: string, text: string): Promise<unknown> =>
  client.json('POST', executionPath(devbox, execution, '/send_std_in'), { body: { text } });

export const endStdin = (client: ApiClient, devbox: string, execution: string): Promise<unknown> =>
  client.json('POST', executionPath(devbox, execution, '/send_std_in'), { body: { signal: 'EOF' } });

/** Exit status of a command line that stands for the execution: its own; 125 when nobody knows it. */
export const exitStatusOf = (execution: ExecutionView): number => execution.exit_status ?? unknownExitStatus;

export const unknownExitStatus = 125;
