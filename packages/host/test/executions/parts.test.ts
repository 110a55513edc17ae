import { decodeOpen, decodeStatus, encodeStatus, GuestErrorCode, type StatusInit } from '@berth/guest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutionSpec } from '../../src/contract/index.ts';
import { Bell } from '../../src/executions/bell.ts';
import { checkSame, checkSpec, encodeExec } from '../../src/executions/exec-request.ts';
import { endFromStatus } from '../../src/executions/execution-end.ts';
import { followOutput } from '../../src/executions/output-follower.ts';
import type { ExecutionRecord } from '../../src/spool/execution-record.ts';
import { FilePool } from '../../src/spool/file-pool.ts';
import { OutputReader } from '../../src/spool/output-reader.ts';

describe('the end of an execution', () => {
  const end = (status: StatusInit, asked?: number) => endFromStatus(decodeStatus(encodeStatus(status)), asked);
  const signalled = (value: number, signalledByHost = 0, outOfMemory = false): StatusInit => ({
    exit: { how: { case: 'signal', value }, signalledByHost, outOfMemory },
  });

  it.each<[string, StatusInit, number | undefined, unknown]>([
    ['a code', { exit: { how: { case: 'code', value: 7 } } }, undefined, { kind: 'exited', code: 7 }],
    [
      'a code although a signal was sent',
      { exit: { how: { case: 'code', value: 0 }, signalledByHost: 15 } },
      15,
      { kind: 'exited', code: 0 },
    ],
    ['the signal the host sent', signalled(9, 9), 9, { kind: 'killed', signal: 9, by: 'host' }],
    ['another signal than the host sent', signalled(11, 15), 15, { kind: 'killed', signal: 11, by: 'box' }],
    [
      'a signal that the guest says the host sent, but it did not',
      signalled(9, 9),
      undefined,
      { kind: 'killed', signal: 9, by: 'box' },
    ],
    ['a signal the host sent, but the guest never saw', signalled(9, 0), 9, { kind: 'killed', signal: 9, by: 'box' }],
    ['out of memory', signalled(9, 0, true), undefined, { kind: 'killed', signal: 9, by: 'out_of_memory' }],
    [
      'cancelled in the queue',
      { error: { code: GuestErrorCode.CANCELLED } },
      9,
      { kind: 'killed', signal: 9, by: 'host' },
    ],
    [
      'cancelled by nobody',
      { error: { code: GuestErrorCode.CANCELLED, message: 'x' } },
      undefined,
      { kind: 'lost', reason: 'could not be run: x' },
    ],
    [
      'not run',
      { error: { code: GuestErrorCode.NO_SUCH_USER, message: 'no user\nx' } },
      undefined,
      { kind: 'lost', reason: 'could not be run: no user x' },
    ],
    ['no word', {}, undefined, { kind: 'lost', reason: 'the guest reported no exit status' }],
  ])('is told as it was: %s', (_name, status, asked, expected) => {
    expect(end(status, asked)).toEqual(expected);
  });

  it.each([-1, 256, 2 ** 31 - 1])('is never code %i', (value) => {
    expect(() => end({ exit: { how: { case: 'code', value } } })).toThrow('exit code');
  });

  it.each([0, 65, -9])('is never signal %i', (value) => {
    expect(() => end(signalled(value))).toThrow('signal');
  });
});

describe('what is asked for', () => {
  const spec: ExecutionSpec = { executionId: 'e', origin: 'exec', command: 'true' };
  const record: ExecutionRecord = {
    executionId: 'e',
    seq: 1,
    streamId: 1,
    origin: 'exec',
    command: 'true',
    attachStdin: false,
    environment: { B: '2', A: '1' },
    stdinClosed: false,
    startedMs: 0,
  };

  it.each<[string, Partial<ExecutionSpec>, string]>([
    ['an empty id', { executionId: '' }, 'executionConflict'],
    ['a long id', { executionId: 'i'.repeat(257) }, 'tooLarge'],
    ['a long command', { command: 'c'.repeat(16 * 1024 * 1024 + 1) }, 'tooLarge'],
    ['a long shell name', { shellName: 's'.repeat(1_025) }, 'tooLarge'],
    ['a large environment', { environment: { A: 'a'.repeat(2 ** 20) } }, 'tooLarge'],
  ])('is refused with %s', (_name, change, code) => {
    expect(() => checkSpec({ ...spec, ...change })).toThrow(expect.objectContaining({ code }));
  });

  it('is the same when command and shell are', () => {
    expect(() => checkSame(record, spec)).not.toThrow();
    expect(() => checkSame(record, { ...spec, environment: { A: 'other' } })).not.toThrow();
    expect(() => checkSame(record, { ...spec, shellName: 'main' })).toThrow(
      expect.objectContaining({ code: 'executionConflict' }),
    );
  });

  it('is sent the same each time', () => {
    expect(encodeExec(record)).toEqual(encodeExec({ ...record }));
    const { request } = decodeOpen(encodeExec({ ...record, shellName: 'main', user: 'root', attachStdin: true }));
    expect(request).toMatchObject({
      case: 'exec',
      value: {
        executionId: 'e',
        command: 'true',
        shellName: 'main',
        user: 'root',
        attachStdin: true,
        environment: { A: '1', B: '2' },
      },
    });
  });
});

describe('bell', () => {
  it('wakes everyone once, and nobody after', async () => {
    const bell = new Bell();
    const waits = [bell.wait(), bell.wait({ timeoutMs: 60_000 })];
    bell.ring();
    expect(await Promise.all(waits)).toEqual([true, true]);
    expect([bell.rings, await bell.wait({ timeoutMs: 5 })]).toEqual([1, false]);
  });

  it('lets go of a waiter who is cancelled', async () => {
    const bell = new Bell();
    const abort = new AbortController();
    const wait = bell.wait({ signal: abort.signal });
    abort.abort();
    await expect(wait).rejects.toMatchObject({ code: 'cancelled' });
    await expect(bell.wait({ signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('following an output', () => {
  it('gives the bytes from the offset on in whole characters, however they come', async () => {
    const reader = new OutputReader(new FilePool(1));
    const parts = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 4 }),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(
        parts,
        fc.nat(10),
        fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }),
        async (list, start, steps) => {
          const all = Buffer.concat(list);
          const offset = Math.min(start, all.length);
          const bell = new Bell();
          let size = 0;
          const output = {
            content: { path: '', memory: () => all },
            sizeBytes: () => size,
            ended: () => size === all.length,
            bell,
          };
          const grow = (async () => {
            for (let step = 0; size < all.length; step += 1) {
              await new Promise((resolve) => setImmediate(resolve));
              size = Math.min(all.length, size + Math.max(1, steps[step % steps.length] ?? 1));
              bell.ring();
            }
          })();
          const chunks: Buffer[] = [];
          let position = offset;
          for await (const chunk of followOutput(reader, output, offset, undefined)) {
            chunks.push(Buffer.from(chunk.bytes));
            position += chunk.bytes.length;
            expect(chunk.offset).toBe(position);
            expect(chunk.bytes.length).toBeGreaterThan(0);
          }
          await grow;
          expect(Buffer.concat(chunks)).toEqual(all.subarray(offset));
          const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(all.subarray(offset));
          if (!whole.includes('\ufffd')) {
            expect(chunks.map((chunk) => chunk.toString()).join('')).toBe(whole);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives chunks of 64 KiB at most, and stops when it is told to', async () => {
    const reader = new OutputReader(new FilePool(1));
    const all = Buffer.alloc(200_000, 'ä');
    const output = {
      content: { path: '', memory: () => all },
      sizeBytes: () => all.length,
      ended: () => false,
      bell: new Bell(),
    };
    const abort = new AbortController();
    const sizes: number[] = [];
    const following = (async () => {
      for await (const { bytes, offset } of followOutput(reader, output, 0, abort.signal)) {
        sizes.push(bytes.length);
        if (offset === all.length) {
          setImmediate(() => abort.abort());
        }
      }
    })();
    await expect(following).rejects.toMatchObject({ code: 'cancelled' });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(all.length);
  });
});
