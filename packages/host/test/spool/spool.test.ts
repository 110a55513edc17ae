import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHostDatabase } from '../../src/spool/database.ts';
import type { ExecutionRecord } from '../../src/spool/execution-record.ts';
import { FilePool } from '../../src/spool/file-pool.ts';
import { maxTailBytes, OutputReader } from '../../src/spool/output-reader.ts';
import { OutputWriter } from '../../src/spool/output-writer.ts';
import { Spool } from '../../src/spool/spool.ts';
import { TimeIndex, TimeIndexWriter } from '../../src/spool/time-index.ts';
import { continuationHead, incompleteTail, utf8Text } from '../../src/spool/utf8.ts';

const fileContent = (path: string) => ({ path, memory: () => undefined });

let folder: string;
let pool: FilePool;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-spool-'));
  pool = new FilePool(3);
});
afterEach(() => {
  pool.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('UTF-8 borders', () => {
  it('agree with a streaming decoder, wherever text is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.nat(60), (text, cut) => {
        const bytes = Buffer.from(text);
        const head = bytes.subarray(0, Math.min(cut, bytes.length));
        const held = incompleteTail(head);
        expect(Buffer.from(utf8Text(head.subarray(0, head.length - held)))).toEqual(
          head.subarray(0, head.length - held),
        );
        const rest = bytes.subarray(head.length - held);
        expect(continuationHead(rest)).toBe(0);
      }),
    );
  });

  it.each([
    ['ff', 0],
    ['e2 82', 2],
    ['e2 28', 0],
    ['c0', 0],
    ['f5 80', 0],
    ['f0 9f 98', 3],
    ['80 80 80', 0],
    ['', 0],
  ])('hold back of %s %i bytes', (hex, held) => {
    expect(incompleteTail(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(held);
  });
});

describe('tail of lines', () => {
  const tail = (content: string | Buffer, lines: number) => {
    const path = join(folder, 'out');
    writeFileSync(path, content);
    pool.drop(path);
    return new OutputReader(pool).tail(fileContent(path), Buffer.byteLength(content), lines);
  };

  it.each<[string, number, string, boolean]>([
    ['', 3, '', false],
    ['a', 1, 'a', false],
    ['a\n', 1, 'a\n', false],
    ['a\nb\n', 1, 'b\n', true],
    ['a\nb', 1, 'b', true],
    ['a\nb\n', 2, 'a\nb\n', false],
    ['\n\n\n', 2, '\n\n', true],
    ['\n', 1, '\n', false],
    ['a\n\n', 1, '\n', true],
    ['a\nb', 0, '', true],
  ])('of %j, %i lines', (content, lines, text, truncated) => {
    expect(tail(content, lines)).toEqual({ text, truncated });
  });

  it('is what splitting the whole would give', () => {
    const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 3_000 }), { maxLength: 40 });
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 45 }), fc.boolean(), (list, count, final) => {
        const all = list.map((line) => line.replaceAll('\n', ''));
        const content = all.join('\n') + (final ? '\n' : '');
        const parts = content.split(/(?<=\n)/).filter((part) => part !== '');
        const text = parts.slice(-count).join('');
        expect(tail(content, count)).toEqual({ text, truncated: text.length < content.length });
      }),
      { numRuns: 40 },
    );
  });

  it('is bounded for endless lines, and cut between characters', () => {
    const { text, truncated } = tail('ä'.repeat(maxTailBytes), 2);
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxTailBytes);
    expect(text.startsWith('ä')).toBe(true);
  });
});

describe('time index', () => {
  it('tells when which byte came, at most one record in 20 ms', () => {
    const path = join(folder, 'out.idx');
    const writer = new TimeIndexWriter(pool, path, undefined);
    for (const [ms, offset] of [
      [1_000, 0],
      [1_005, 10],
      [1_030, 20],
      [1_040, 30],
      [1_060, 40],
    ] as const) {
      writer.note(ms, offset);
    }
    const index = new TimeIndex(pool, path, writer.firstMs ?? 0);
    expect([0, 10, 19, 20, 35, 40, 999].map((offset) => index.at(offset))).toEqual([
      1_000, 1_000, 1_000, 1_030, 1_030, 1_060, 1_060,
    ]);
  });

  it('of an output that came at once needs no file', () => {
    expect(new TimeIndex(pool, join(folder, 'none.idx'), 77).at(5)).toBe(77);
  });
});

describe('file pool', () => {
  it('keeps a bounded number of files open, and none that is in use is closed', () => {
    const leases = ['a', 'b', 'c', 'd', 'e'].map((name) => pool.create(join(folder, 'deep', name)));
    expect(pool.size).toBe(5);
    for (const lease of leases) {
      lease.release();
      lease.release();
    }
    pool.create(join(folder, 'f')).release();
    pool.create(join(folder, 'g')).release();
    pool.create(join(folder, 'h')).release();
    expect(pool.size).toBeLessThanOrEqual(5);
    expect(pool.open(join(folder, 'missing'))).toBeUndefined();
  });
});

describe('output writer', () => {
  const writerOf = (take: (bytes: number) => boolean, onSpooled = () => {}, onStalled = (_reason: string) => {}) =>
    new OutputWriter({
      pool,
      bytesPath: join(folder, 'w.out'),
      indexPath: join(folder, 'w.idx'),
      sizeBytes: 0,
      firstMs: undefined,
      budget: { take },
      onSpooled,
      onStalled,
    });

  it('holds a small output for a moment, then has it on the disk', async () => {
    const writer = writerOf(() => true);
    writer.append(Buffer.from('a'));
    writer.append(Buffer.from('b'));
    writer.flush();
    expect([writer.sizeBytes, writer.settledBytes, writer.held?.toString()]).toEqual([2, 0, 'ab']);
    await expect.poll(() => writer.settledBytes).toBe(2);
    expect([writer.sizeBytes, writer.held]).toEqual([2, undefined]);
    writer.close();
  });

  it('has what does not fit into memory on the disk at once, and large amounts soon', async () => {
    let spooled = 0;
    const writer = writerOf(
      () => true,
      () => {
        spooled += 1;
      },
    );
    writer.append(Buffer.from('ab'));
    writer.append(Buffer.alloc(20_000, 'c'));
    writer.flush();
    expect([writer.settledBytes, spooled]).toEqual([20_002, 2]);
    const large = Buffer.alloc(3_000_000, 'x');
    for (let start = 0; start < large.length; start += 100_000) {
      writer.append(large.subarray(start, start + 100_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => writer.sizeBytes).toBe(3_020_002);
    const bytes = await new OutputReader(pool).read(fileContent(join(folder, 'w.out')), 0, 4_000_000);
    expect(bytes.equals(Buffer.concat([Buffer.from('ab'), Buffer.alloc(20_000, 'c'), large]))).toBe(true);
    writer.close();
  });

  it('waits for space, and goes on when there is some', async () => {
    let free = false;
    const reasons: string[] = [];
    const writer = writerOf(
      () => free,
      undefined,
      (reason) => reasons.push(reason),
    );
    writer.append(Buffer.alloc(20_000));
    writer.flush();
    expect([writer.sizeBytes, reasons.length]).toEqual([0, 1]);
    free = true;
    await expect.poll(() => writer.sizeBytes).toBe(20_000);
    writer.close();
  });
});

describe('rows', () => {
  const record: ExecutionRecord = {
    executionId: 'e',
    seq: 1,
    streamId: 2 ** 32 + 1,
    origin: 'exec',
    command: 'echo',
    attachStdin: false,
    environment: { A: '1' },
    stdinClosed: false,
    startedMs: 5,
  };

  it('survive; the first end counts; the environment goes with it', () => {
    mkdirSync(join(folder, 'db'));
    const database = openHostDatabase(join(folder, 'db', 'host.sqlite'));
    const spool = new Spool({ directory: join(folder, 'spool'), database });
    const long = { ...record, executionId: 'long', seq: 2, command: 'y'.repeat(100_000) };
    spool.executions.insert('box', record);
    spool.executions.insert('box', long);
    expect(spool.executions.unfinished('box')).toEqual([record, long]);
    const finish = {
      endedMs: 9,
      end: { kind: 'exited', code: 3 },
      stdout: { sizeBytes: 4, firstMs: 6, inline: new Uint8Array([1, 2, 3, 4]) },
      stderr: { sizeBytes: 0 },
    } as const;
    spool.executions.finish('box', 'e', finish);
    spool.executions.finish('box', 'e', { ...finish, end: { kind: 'lost', reason: 'late' } });
    expect(spool.executions.find('box', 'e')).toEqual({ ...record, environment: {}, finish });
    expect(spool.executions.outputBytes('box')).toBe(4);
    expect(spool.executions.find('other', 'e')).toBeUndefined();
    database.close();
  });

  it('of a box go with it, and its files', async () => {
    const database = openHostDatabase(join(folder, 'host.sqlite'));
    const spool = new Spool({ directory: join(folder, 'spool'), database });
    expect([spool.links.nextEpoch('box'), spool.links.nextEpoch('box'), spool.links.nextEpoch('b2')]).toEqual([
      1, 2, 1,
    ]);
    spool.executions.insert('box', { ...record, command: 'y'.repeat(100_000) });
    spool.logs.append('box', { timestampMs: 1, level: 'info', source: 'kmsg', message: 'm' });
    await spool.forget('box');
    await spool.forget('box');
    expect([spool.executions.lastSeq('box'), spool.logs.lastId('box'), spool.links.nextEpoch('box')]).toEqual([
      0, 0, 1,
    ]);
    await expect(spool.forget('../etc')).rejects.toMatchObject({ code: 'boxNotFound' });
    database.close();
  });
});
