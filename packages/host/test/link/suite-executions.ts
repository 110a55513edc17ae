import { expect, it } from 'vitest';
import { type Bench, spec } from './harness.ts';

const wait = { timeoutMs: 15_000, lastLines: 100 };

/** Start, end, kill, stdin, dedupe. */
export const executionSuite = (begin: () => Promise<Bench>): void => {
  it('runs a command and tells its outputs, exit code and times', async () => {
    const bench = await begin();
    const view = await bench.run('printf out; printf "err\\n" >&2; exit 42');
    expect(view).toMatchObject({
      status: 'completed',
      end: { kind: 'exited', code: 42 },
      stdout: { text: 'out', truncated: false },
      stderr: { text: 'err\n', truncated: false },
      stdoutBytes: 3,
      stderrBytes: 4,
    });
    expect(view.endedMs).toBeGreaterThanOrEqual(view.startedMs);
    expect(bench.completed).toEqual([view.executionId]);
    const again = await bench.box.execution(view.executionId, 0);
    expect(again).toMatchObject({ stdout: { text: '', truncated: true }, end: { kind: 'exited', code: 42 } });
  });

  it('starts an execution id once, however often it is asked for', async () => {
    const bench = await begin();
    const one = spec('echo $$; sleep 0.1');
    const calls = [1, 2, 3, 4].map(() => bench.box.executeAndWait(one, wait));
    const views = [...(await Promise.all(calls)), await bench.box.executeAndWait(one, wait)];
    expect(new Set(views.map((view) => view.stdout.text)).size).toBe(1);
    expect(await bench.box.execute(one)).toMatchObject({ status: 'completed' });
    await expect(bench.box.execute({ ...one, command: 'other' })).rejects.toMatchObject({ code: 'executionConflict' });
  });

  it('waits for a status and gives up after its time with what is', async () => {
    const bench = await begin();
    const state = await bench.box.execute(spec('sleep 60'));
    const running = await bench.box.waitExecution(state.executionId, { ...wait, until: ['running'] });
    expect(running.status).toBe('running');
    const late = await bench.box.waitExecution(state.executionId, { ...wait, until: ['completed'], timeoutMs: 30 });
    expect(late).toMatchObject({ status: 'running' });
    expect(late.end).toBeUndefined();
    const abort = new AbortController();
    const aborted = bench.box.waitExecution(state.executionId, { ...wait, until: ['completed'] }, abort.signal);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
    await bench.box.kill(state.executionId);
  });

  it('kills the whole process group, and says that the host did it', async () => {
    const bench = await begin();
    const one = spec('sleep 300 & sleep 300');
    await bench.box.execute(one);
    await bench.box.kill(one.executionId);
    const view = await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    expect(view.end).toEqual({ kind: 'killed', signal: 9, by: 'host' });
    await bench.box.kill(one.executionId);
    expect((await bench.box.execution(one.executionId, 1)).end).toEqual(view.end);
  });

  it('tells a signal from within the box from one by the host', async () => {
    const bench = await begin();
    const inside = await bench.run('kill -TERM $$');
    expect(inside.end).toEqual({ kind: 'killed', signal: 15, by: 'box' });
    const one = spec('echo ready; sleep 300');
    await bench.box.execute(one);
    for await (const _ of bench.box.output(one.executionId, 'stdout', 0)) {
      break;
    }
    await bench.box.kill(one.executionId, { signal: 15 });
    const view = await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    expect(view.end).toEqual({ kind: 'killed', signal: 15, by: 'host' });
  });

  it('feeds stdin in order and ends it', async () => {
    const bench = await begin();
    const one = spec('cat', { attachStdin: true });
    await bench.box.execute(one);
    await Promise.all(['a', 'b', 'c'].map((text) => bench.box.stdin(one.executionId, Buffer.from(text), false)));
    await bench.box.stdin(one.executionId, Buffer.from('d'), true);
    await expect(bench.box.stdin(one.executionId, Buffer.from('e'), false)).rejects.toMatchObject({
      code: 'stdinClosed',
    });
    const view = await bench.box.waitExecution(one.executionId, { ...wait, until: ['completed'] });
    expect(view.stdout.text).toBe('abcd');
    expect(view.end).toEqual({ kind: 'exited', code: 0 });
  });

  it('refuses stdin where there is none, and when the process has ended', async () => {
    const bench = await begin();
    const without = await bench.run('true');
    await expect(bench.box.stdin(without.executionId, Buffer.from('x'), false)).rejects.toMatchObject({
      code: 'stdinNotAttached',
    });
    const ended = await bench.run('true', { attachStdin: true });
    await expect(bench.box.stdin(ended.executionId, Buffer.from('x'), false)).rejects.toMatchObject({
      code: 'stdinClosed',
    });
    const deaf = spec('sleep 0.2', { attachStdin: true });
    await bench.box.execute(deaf);
    const flood = bench.box.stdin(deaf.executionId, Buffer.alloc(4_000_000), false);
    await expect(flood).rejects.toMatchObject({ code: 'stdinClosed' });
  });

  it('knows what it does not know', async () => {
    const bench = await begin();
    for (const call of [
      bench.box.execution('nope', 1),
      bench.box.kill('nope'),
      bench.box.stdin('nope', Buffer.from(''), true),
      bench.read('nope'),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'executionNotFound' });
    }
  });

  it('runs a command of two megabytes', async () => {
    const bench = await begin();
    const view = await bench.run(`x='${'y'.repeat(2_000_000)}'; echo \${#x}`);
    expect(view.stdout.text).toBe('2000000\n');
    await bench.restart();
    const [entry] = await bench.box.logs({ executionId: view.executionId });
    expect(entry?.command?.startsWith("x='yyy")).toBe(true);
    expect(entry?.command?.length).toBeLessThan(20_000);
  });

  it('runs 200 at once', async () => {
    const bench = await begin();
    const ids = Array.from({ length: 200 }, (_, index) => index);
    const views = await Promise.all(ids.map((id) => bench.run(`echo ${id}; exit $((${id} % 7))`)));
    expect(views.map((view) => view.stdout.text)).toEqual(ids.map((id) => `${id}\n`));
    expect(views.map((view) => view.end)).toEqual(ids.map((id) => ({ kind: 'exited', code: id % 7 })));
  }, 60_000);
};
