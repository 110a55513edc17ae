import type { LogEntryView } from '@berth/contract';
import { expect, it } from 'vitest';
import { followLogs } from '../src/devboxes/follow-logs.ts';
import { frame, sendJson, streamingApi } from './streaming-api.ts';

const entry = (message: string): LogEntryView => ({ level: 'info', source: 'exec', timestamp_ms: 1, message });
const messages = async (follow: (onEntry: (seen: LogEntryView) => void) => Promise<void>) => {
  const seen: Array<string | undefined> = [];
  await follow(({ message }) => seen.push(message));
  return seen;
};

it('goes on with a log that breaks off, each entry once', async () => {
  await using api = await streamingApi((_call, response) => {
    const attempt = api.calls.length;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // What a server replays of before, and one more.
    const text = ['one', 'two', 'three'].slice(0, attempt).map((message) => frame(entry(message)));
    response.write(`: ping\n\n${text.join('')}`, () => {
      if (attempt === 1) {
        response.end(frame({ code: 408, message: 'the stream was interrupted, reconnect to go on' }, 'error'));
      } else if (attempt === 2) {
        response.destroy();
      } else {
        response.end();
      }
    });
  });
  expect(await messages((onEntry) => followLogs(api.client, 'dbx_1', {}, onEntry))).toEqual(['one', 'two', 'three']);
  expect(api.calls).toHaveLength(3);
});

it('ends with what is wrong when coming back cannot help', async () => {
  await using api = await streamingApi((_call, response) => {
    if (api.calls.length === 1) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(frame(entry('one')) + frame({ code: 408, message: 'reconnect' }, 'error'));
    } else {
      sendJson(response, 404, { code: 'outputExpired', message: 'the output of dbx_1 is no longer kept' });
    }
  });
  const seen: unknown[] = [];
  const following = followLogs(api.client, 'dbx_1', {}, (each) => seen.push(each));
  await expect(following).rejects.toThrow('no longer kept');
  expect(seen).toHaveLength(1);
});
