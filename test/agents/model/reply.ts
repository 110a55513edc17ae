import type { ServerResponse } from 'node:http';

/** An answer as it is streamed, or given whole. */
export interface Reply {
  readonly event: (data: object, name?: string) => void;
  readonly text: (text: string) => void;
  readonly json: (value: object) => void;
  readonly end: () => void;
}

/** Writes events one after another, each a piece of its own. */
export const replyTo = (response: ServerResponse): Reply => {
  const text = (piece: string): void => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    }
    response.write(piece);
  };
  return {
    text,
    event: (data, name) => text(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`),
    json: (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value)),
    end: () => void (response.writableEnded || response.end()),
  };
};
