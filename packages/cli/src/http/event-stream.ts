/** One event of a server-sent stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Bound of one event; a server that sends more is not one of ours. */
const longestEventLength = 64 * 1024 * 1024;

/** Reads server-sent events (WHATWG HTML, 9.2) from a response body. Comments are skipped; the end of the body ends it. */
export async function* readEventStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  let event = '';
  let data: string[] = [];
  for await (const bytes of body) {
    pending += decoder.decode(bytes, { stream: true });
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? '';
    if (pending.length > longestEventLength) {
      throw new Error('an event of the stream is too long');
    }
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) {
          yield { event: event || 'message', data: data.join('\n') };
        }
        event = '';
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(fieldValue(line, 'data'));
      } else if (line.startsWith('event:')) {
        event = fieldValue(line, 'event');
      }
    }
  }
}

const fieldValue = (line: string, name: string): string => {
  const value = line.slice(name.length + 1);
  return value.startsWith(' ') ? value.slice(1) : value;
};
