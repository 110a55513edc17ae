import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Bench, spec } from './harness.ts';

const MiB = 1024 * 1024;
const wait = { timeoutMs: 30_000, lastLines: 5 };
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Exactness, offsets, followers, drops, restarts. */
export const outputSuite = (begin: () => Promise<Bench>): void => {
  const withFile = (bench: Bench, bytes: Uint8Array): string => {
    const path = join(bench.folder, 'input');
    writeFileSync(path, bytes);
    return path;
  };

  it.each([0, 1, 65_536, 1_000_003, 20 * MiB])('keeps %i bytes exactly', async (sizeBytes) => {
    const bench = await begin();
    const bytes = randomBytes(sizeBytes);
    const path = withFile(bench, bytes);
    const view = await bench.run(`cat ${path}; cat ${path} >&2`);
    expect([view.stdoutBytes, view.stderrBytes]).toEqual([sizeBytes, sizeBytes]);
    expect(sha(await bench.read(view.executionId, 'stdout'))).toBe(sha(bytes));
    expect(sha(await bench.read(view.executionId, 'stderr'))).toBe(sha(bytes));
    const from = Math.floor(sizeBytes / 3);
    expect(sha(await bench.read(view.executionId, 'stdout', from))).toBe(sha(bytes.subarray(from)));
  });

  it('keeps 100 MiB exactly, streamed back', async () => {
    const bench = await begin();
    const view = await bench.run("yes 'a line of text' | head -c 104857600");
    const hash = createHash('sha256');
    let position = 0;
    for await (const { bytes, offset } of bench.box.output(view.executionId, 'stdout', 0)) {
      hash.update(bytes);
      position = offset;
    }
    expect(position).toBe(100 * MiB);
    const expected = createHash('sha256').update('a line of text\n'.repeat(7_000_000).slice(0, 100 * MiB));
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  }, 60_000);

  it('follows a running output, chunk by chunk, from any offset', async () => {
    const bench = await begin();
    const one = spec('for i in 1 2 3; do echo line $i; sleep 0.1; done');
    await bench.box.execute(one);
    const seen: Array<[string, number]> = [];
    for await (const { bytes, offset } of bench.box.output(one.executionId, 'stdout', 0)) {
      seen.push([Buffer.from(bytes).toString(), offset]);
    }
    expect(seen.map(([text]) => text).join('')).toBe('line 1\nline 2\nline 3\n');
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)?.[1]).toBe(21);
    expect((await bench.read(one.executionId, 'stdout', 7)).toString()).toBe('line 2\nline 3\n');
    expect((await bench.read(one.executionId, 'stdout', 1_000)).toString()).toBe('');
  });

  it('never splits a character between chunks', async () => {
    const bench = await begin();
    const one = spec(
      `printf 'a\\xe2'; sleep 0.1; printf '\\x82'; sleep 0.1; printf '\\xac\\xff'; sleep 0.1; printf '\\xf0\\x9f'`,
    );
    await bench.box.execute(one);
    const chunks: string[] = [];
    for await (const { bytes } of bench.box.output(one.executionId, 'stdout', 0)) {
      chunks.push(Buffer.from(bytes).toString('hex'));
    }
    expect(chunks).toEqual(['61', 'e282acff', 'f09f']);
  });

  it('loses and repeats nothing when the connection drops again and again', async () => {
    const bench = await begin();
    const bytes = randomBytes(8 * MiB);
    const path = withFile(bench, bytes);
    const cutter = setInterval(() => bench.cable.cut(), 25);
    try {
      const views = await Promise.all(
        ['stdout', 'stderr'].map((stream) => bench.run(`cat ${path} ${stream === 'stderr' ? '>&2' : ''}; exit 5`)),
      );
      clearInterval(cutter);
      expect(bench.cable.cuts).toBeGreaterThan(1);
      expect(views.map((view) => view.end)).toEqual([5, 5].map((code) => ({ kind: 'exited', code })));
      expect(sha(await bench.read(views[0]?.executionId ?? '', 'stdout'))).toBe(sha(bytes));
      expect(sha(await bench.read(views[1]?.executionId ?? '', 'stderr'))).toBe(sha(bytes));
      expect(bench.breaches).toEqual([]);
    } finally {
      clearInterval(cutter);
    }
  });

  it('writes stdin once, over drops', async () => {
    const bench = await begin();
    const bytes = randomBytes(4 * MiB);
    const one = spec('cat', { attachStdin: true });
    await bench.box.execute(one);
    const cutter = setInterval(() => bench.cable.cut(), 25);
    try {
      for (let start = 0; start < bytes.length; start += 300_000) {
        await bench.box.stdin(one.executionId, bytes.subarray(start, start + 300_000), false);
      }
      await bench.box.stdin(one.executionId, Buffer.alloc(0), true);
      await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
      expect(sha(await bench.read(one.executionId))).toBe(sha(bytes));
    } finally {
      clearInterval(cutter);
    }
  });

  it('goes on after a restart of the host, in the middle of output', async () => {
    const bench = await begin();
    const bytes = randomBytes(6 * MiB);
    const path = withFile(bench, bytes);
    const one = spec(`head -c 2000000 ${path}; sleep 0.3; tail -c +2000001 ${path}; exit 9`, { attachStdin: true });
    const other = spec('cat; exit 4', { attachStdin: true });
    await bench.box.execute(one);
    await bench.box.execute(other);
    await bench.box.stdin(other.executionId, Buffer.from('before '), false);
    const waiting = bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    const lost = expect(waiting).rejects.toMatchObject({ code: 'hostUnavailable' });
    await bench.restart();
    await lost;
    await bench.box.stdin(other.executionId, Buffer.from('after'), true);
    const view = await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    expect(view.end).toEqual({ kind: 'exited', code: 9 });
    expect(sha(await bench.read(one.executionId))).toBe(sha(bytes));
    const second = await bench.box.waitExecution(other.executionId, { ...wait, until: ['completed'] });
    expect([second.stdout.text, second.end]).toEqual(['before after', { kind: 'exited', code: 4 }]);
    await bench.restart();
    expect(sha(await bench.read(one.executionId))).toBe(sha(bytes));
  });

  it('takes up an execution that ended while the host was away', async () => {
    const bench = await begin();
    const one = spec('sleep 0.2; echo late; exit 6');
    await bench.box.execute(one);
    await bench.box.waitExecution(one.executionId, { ...wait, until: ['running'] });
    await bench.shut();
    await new Promise((resolve) => setTimeout(resolve, 400));
    bench.open();
    expect(await bench.box.execution(one.executionId, 5)).toMatchObject({ status: 'running', stdoutBytes: 0 });
    await bench.box.listen();
    const view = await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    expect(view).toMatchObject({ stdout: { text: 'late\n' }, end: { kind: 'exited', code: 6 } });
  });

  it('shows the last lines, exact, and whether there were more', async () => {
    const bench = await begin();
    const view = await bench.run('seq 1 5000; printf tail');
    const tail = async (lastLines: number) => (await bench.box.execution(view.executionId, lastLines)).stdout;
    expect(await tail(3)).toEqual({ text: '4999\n5000\ntail', truncated: true });
    expect((await tail(5001)).truncated).toBe(false);
    expect((await tail(5000)).text.startsWith('2\n3\n')).toBe(true);
  });

  it('marks what is unfinished as lost when the box ends, after the last bytes it wrote', async () => {
    const bench = await begin();
    const one = spec('echo last words; sleep 300');
    await bench.box.execute(one);
    for await (const _ of bench.box.output(one.executionId, 'stdout', 0)) {
      break;
    }
    const killed = bench.box.kill.bind(bench.box, one.executionId);
    const waiting = bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    bench.guest?.stop();
    await bench.box.boxEnded('the box ran out of memory');
    const view = await waiting;
    expect(view).toMatchObject({
      stdout: { text: 'last words\n' },
      end: { kind: 'lost', reason: 'the box ran out of memory' },
    });
    await killed();
    await expect(bench.box.execute(spec('true'))).rejects.toMatchObject({ code: 'boxNotRunning' });
    await expect(bench.box.stat('/')).rejects.toMatchObject({ code: 'boxNotRunning' });
    expect((await bench.read(one.executionId)).toString()).toBe('last words\n');
  });
};
