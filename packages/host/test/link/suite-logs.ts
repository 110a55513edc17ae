import { expect, it } from 'vitest';
import type { LogEntry } from '../../src/contract/index.ts';
import { type Bench, spec } from './harness.ts';

const brief = (entry: LogEntry): string =>
  entry.command !== undefined
    ? `$ ${entry.command}`
    : entry.exitCode !== undefined
      ? `= ${entry.exitCode}`
      : (entry.message ?? '');

/** The box's log, read back and followed. */
export const logSuite = (begin: () => Promise<Bench>): void => {
  it('has setup lines, commands, their lines and their exit codes, in order of time', async () => {
    const bench = await begin();
    bench.box.appendLog({ level: 'info', source: 'setup_commands', message: 'booted' });
    await bench.run('echo one; sleep 0.4; echo two; sleep 0.4; echo err >&2; exit 3');
    await bench.run('printf "no newline"', { shellName: 'main' });
    const entries = await bench.box.logs({});
    expect(entries.map(brief)).toEqual([
      'booted',
      '$ echo one; sleep 0.4; echo two; sleep 0.4; echo err >&2; exit 3',
      'one',
      'two',
      'err',
      '= 3',
      '$ printf "no newline"',
      'no newline',
      '= 0',
    ]);
    const times = entries.map((entry) => entry.timestampMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[3]).toBeGreaterThan(times[2] ?? 0);
    const { executionId } = entries[1] ?? {};
    expect((await bench.box.logs({ executionId: executionId ?? '' })).map(brief)).toHaveLength(5);
    expect((await bench.box.logs({ shellName: 'main' })).map(brief)).toEqual([
      '$ printf "no newline"',
      'no newline',
      '= 0',
    ]);
    expect((await bench.box.logs({ limit: 2 })).map(brief)).toEqual(['no newline', '= 0']);
    await bench.restart();
    expect(await bench.box.logs({})).toEqual(entries);
  });

  it('keeps the newest of many, and cuts long lines with a mark', async () => {
    const bench = await begin();
    await bench.run('seq 1 30000');
    const entries = await bench.box.logs({ limit: 100 });
    expect(entries).toHaveLength(100);
    expect(entries.map(brief).slice(-2)).toEqual(['30000', '= 0']);
    const { executionId } = await bench.run('head -c 100000 /dev/zero | tr "\\0" x; echo; echo after');
    const messages = (await bench.box.logs({ executionId })).map((entry) => entry.message ?? '');
    expect(messages[1]?.endsWith('… (cut)')).toBe(true);
    expect(messages[1]?.length).toBeLessThan(17_000);
    expect(messages[2]).toBe('after');
  });

  it('follows live: nothing twice, nothing left out', async () => {
    const bench = await begin();
    bench.box.appendLog({ level: 'info', source: 'setup_commands', message: 'before' });
    const running = spec('echo early; printf half; sleep 0.4; echo " done"');
    await bench.box.execute(running);
    for await (const { bytes } of bench.box.output(running.executionId, 'stdout', 0)) {
      if (Buffer.from(bytes).toString().endsWith('half')) {
        break;
      }
    }
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const entry of bench.box.followLogs({}, abort.signal)) {
      seen.push(brief(entry));
      if (seen.length === 3) {
        void bench.run('echo later').then(() => bench.box.appendLog({ level: 'info', source: 'kmsg', message: 'end' }));
      }
      if (brief(entry) === 'half done') {
        await bench.box.waitExecution(running.executionId, { until: ['completed'], timeoutMs: 9_000, lastLines: 1 });
      }
      if (seen.filter((text) => text.startsWith('=')).length === 2 && seen.includes('end')) {
        break;
      }
    }
    expect(seen.slice(0, 3)).toEqual(['before', '$ echo early; printf half; sleep 0.4; echo " done"', 'early']);
    expect(seen.slice(3).toSorted()).toEqual(['$ echo later', '= 0', '= 0', 'end', 'half done', 'later'].toSorted());
  });

  it('follows only what comes with limit 0, only what a filter lets through, and ends when aborted', async () => {
    const bench = await begin();
    await bench.run('echo old');
    const abort = new AbortController();
    const one = spec('echo mine');
    const seen: string[] = [];
    const following = (async () => {
      for await (const entry of bench.box.followLogs({ executionId: one.executionId, limit: 0 }, abort.signal)) {
        seen.push(brief(entry));
      }
    })();
    const ended = expect(following).rejects.toMatchObject({ code: 'cancelled' });
    await bench.run('echo other');
    await bench.box.executeAndWait(one, { timeoutMs: 9_000, lastLines: 1 });
    await expect.poll(() => seen).toEqual(['$ echo mine', 'mine', '= 0']);
    abort.abort();
    await ended;
  });
};
