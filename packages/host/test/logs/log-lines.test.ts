import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutionEnd } from '../../src/contract/index.ts';
import { passes } from '../../src/logs/log-collector.ts';
import { endEntry, LineSplitter, lineEntry, maxEntryBytes, startEntry } from '../../src/logs/log-lines.ts';
import type { ExecutionRecord } from '../../src/spool/execution-record.ts';

const record: ExecutionRecord = {
  executionId: 'e',
  seq: 1,
  streamId: 1,
  origin: 'setup_commands',
  command: 'make',
  shellName: 'main',
  attachStdin: false,
  environment: {},
  stdinClosed: false,
  startedMs: 100,
};
const ended = (end: ExecutionEnd): ExecutionRecord => ({
  ...record,
  finish: { endedMs: 200, end, stdout: { sizeBytes: 0 }, stderr: { sizeBytes: 0 } },
});

describe('line splitter', () => {
  it('finds the lines of the whole, however it comes in pieces', () => {
    const text = fc
      .array(fc.constantFrom('a', 'bc', '\n', '\n\n', 'é', '\r\n'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { maxLength: 6 }), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const splitter = new LineSplitter(50);
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted((a, b) => a - b);
        const lines: Array<[number, string]> = [];
        let start = 0;
        for (const end of ends) {
          for (const line of splitter.push(bytes.subarray(start, end))) {
            lines.push([line.offset, Buffer.from(line.bytes).toString()]);
          }
          start = end;
        }
        const rest = splitter.rest();
        if (rest !== undefined) {
          lines.push([rest.offset, Buffer.from(rest.bytes).toString()]);
        }
        const parts = whole.split('\n');
        const expected: Array<[number, string]> = [];
        let offset = 50;
        for (const [index, part] of parts.entries()) {
          if (index < parts.length - 1 || part !== '') {
            expected.push([offset, part]);
          }
          offset += Buffer.byteLength(part) + 1;
        }
        expect(lines).toEqual(expected);
        expect(splitter.position).toBe(50 + bytes.length);
      }),
    );
  });

  it('holds no more of an endless line than is shown', () => {
    const splitter = new LineSplitter(0);
    for (let count = 0; count < 100; count += 1) {
      expect(splitter.push(Buffer.alloc(10_000, 'x'))).toEqual([]);
    }
    const [line] = splitter.push(Buffer.from('\nnext'));
    expect(line?.bytes.length).toBe(maxEntryBytes + 1);
    expect(splitter.rest()?.offset).toBe(1_000_001);
  });
});

describe('entries', () => {
  const fields = { source: 'setup_commands', executionId: 'e', shellName: 'main' };

  it('of begin, line and end carry what they are about', () => {
    expect(startEntry(record)).toEqual({ timestampMs: 100, level: 'info', ...fields, command: 'make' });
    expect(lineEntry(record, 'stdout', 150, Buffer.from('hi\r'))).toEqual({
      timestampMs: 150,
      level: 'info',
      ...fields,
      message: 'hi',
    });
    expect(lineEntry(record, 'stderr', 150, Buffer.from('oh')).level).toBe('warn');
    expect(endEntry(record)).toBeUndefined();
    expect(endEntry(ended({ kind: 'exited', code: 3 }))).toEqual({
      timestampMs: 200,
      level: 'info',
      ...fields,
      exitCode: 3,
    });
  });

  it('of an end without an exit code say so in words, and make none up', () => {
    const killed = endEntry(ended({ kind: 'killed', signal: 9, by: 'out_of_memory' }));
    expect(killed).toMatchObject({ level: 'warn', message: 'killed by signal 9 (out of memory)' });
    expect(killed).not.toHaveProperty('exitCode');
    expect(endEntry(ended({ kind: 'lost', reason: 'gone' }))).toMatchObject({ level: 'error', message: 'lost: gone' });
  });

  it('stay between begin and end of their execution', () => {
    const done = ended({ kind: 'exited', code: 0 });
    expect([50, 150, 900].map((ms) => lineEntry(done, 'stdout', ms, Buffer.from('x')).timestampMs)).toEqual([
      100, 150, 200,
    ]);
  });

  it('cut what is too long, between characters, with a mark', () => {
    const { message } = lineEntry(record, 'stdout', 150, Buffer.from(`x${'ä'.repeat(maxEntryBytes)}`));
    expect(message?.endsWith('ä … (cut)')).toBe(true);
    expect(message).not.toContain('\ufffd');
  });

  it('pass a filter when everything it names is theirs', () => {
    const entry = { executionId: 'e', shellName: 'main' };
    expect(passes({}, entry)).toBe(true);
    expect(passes({ executionId: 'e', shellName: 'main' }, entry)).toBe(true);
    expect(passes({ executionId: 'x' }, entry)).toBe(false);
    expect(passes({ shellName: 'main' }, {})).toBe(false);
  });
});
