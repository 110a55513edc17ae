import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEventStream, type StreamEvent } from './event-stream.ts';

const read = async (parts: readonly Uint8Array[]): Promise<StreamEvent[]> => {
  const events: StreamEvent[] = [];
  const body = (async function* () {
    yield* parts;
  })();
  for await (const event of readEventStream(body)) {
    events.push(event);
  }
  return events;
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('readEventStream', () => {
  it('skips comments, joins data lines, names events', async () => {
    const text = ': ping\n\ndata: one\n\nevent: error\ndata: {"a":\ndata: 1}\n\n';
    expect(await read([bytes(text)])).toEqual([
      { event: 'message', data: 'one' },
      { event: 'error', data: '{"a":\n1}' },
    ]);
  });

  it('takes CRLF, and only the first blank after the colon away', async () => {
    expect(await read([bytes('data:  two\r\n\r\n')])).toEqual([{ event: 'message', data: ' two' }]);
  });

  it('does not give an event that was broken off', async () => {
    expect(await read([bytes('data: whole\n\ndata: bro')])).toEqual([{ event: 'message', data: 'whole' }]);
  });

  it('reads the same however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text)),
          { minLength: 1, maxLength: 5 },
        ),
        fc.array(fc.nat(40), { maxLength: 20 }),
        async (texts, cuts) => {
          const all = bytes(texts.map((text) => `data: ${JSON.stringify(text)}\n\n`).join(''));
          const parts: Uint8Array[] = [];
          let start = 0;
          for (const cut of cuts) {
            parts.push(all.subarray(start, start + cut));
            start += cut;
          }
          parts.push(all.subarray(start));
          const events = await read(parts);
          expect(events.map(({ data }) => JSON.parse(data))).toEqual(texts);
        },
      ),
      { numRuns: 100 },
    );
  });
});
