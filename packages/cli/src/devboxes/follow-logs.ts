import { setTimeout as pause } from 'node:timers/promises';
import type { LogEntryView } from '@berth/contract';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { readEventStream } from '../http/event-stream.ts';

const reconnectMs = 250;
/** Reconnects without a single new entry between them before the log counts as lost. */
const fruitlessReconnects = 40;

/**
 * Hands over each entry of a box's log, those of before and those that come, until the box has ended. A stream that breaks, or whose server goes
 * away, is taken up again; the API replays it from its beginning, so what was handed over is passed by.
 */
export const followLogs = async (
  client: ApiClient,
  devbox: string,
  query: { readonly execution_id?: string | undefined; readonly shell_name?: string | undefined },
  onEntry: (entry: LogEntryView) => void,
): Promise<void> => {
  let known = 0;
  for (let fruitless = 0; ; fruitless += 1) {
    try {
      const path = `/v1/devboxes/${encodeURIComponent(devbox)}/logs/tail`;
      const response = await client.raw('GET', path, { query, accept: 'text/event-stream' });
      let seen = 0;
      for await (const { event, data } of readEventStream(response.body ?? new ReadableStream())) {
        if (event === 'error') {
          throw streamFailure(data);
        }
        seen += 1;
        if (seen > known) {
          known = seen;
          fruitless = 0;
          onEntry(JSON.parse(data) as LogEntryView);
        }
      }
      return;
    } catch (error) {
      const final = error instanceof ApiFailure && error.status !== 408 && error.status < 500;
      if (final || fruitless >= fruitlessReconnects) {
        throw error;
      }
      await pause(reconnectMs);
    }
  }
};

const streamFailure = (data: string): ApiFailure => {
  const { code, message } = JSON.parse(data) as { code: number | string; message?: string };
  return new ApiFailure(Number(code) || 500, { message: message ?? `the log broke off: ${code}` });
};
