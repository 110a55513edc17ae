import { describe, expect, it } from 'vitest';
import { patienceMs } from '../patience.ts';
import { type Bench, execution } from './harness.ts';

export function executionContract(bench: Bench): void {
  describe('executions', () => {
    it('reports exit codes and both outputs exactly', async () => {
      const boxId = await bench.box();
      const view = await bench.run(boxId, 'echo one; echo two >&2; exit 3');
      expect(view).toMatchObject({
        status: 'completed',
        end: { kind: 'exited', code: 3 },
        stdout: { text: 'one\n', truncated: false },
        stderr: { text: 'two\n', truncated: false },
        stdoutBytes: 4,
        stderrBytes: 4,
      });
      expect(view.endedMs).toBeGreaterThanOrEqual(view.startedMs);
    });

    it('sees the environment of the box', async () => {
      const boxId = await bench.box();
      expect((await bench.run(boxId, 'echo $GREETING')).stdout.text).toBe('hello\n');
      const own = await bench.run(boxId, 'echo $GREETING', { environment: { GREETING: 'bye' } });
      expect(own.stdout.text).toBe('bye\n');
    });

    it('never starts the same id twice', async () => {
      const boxId = await bench.box();
      const spec = execution('echo once');
      const states = await Promise.all([1, 2, 3].map(() => bench.host.execute(boxId, spec)));
      expect(new Set(states.map(({ executionId }) => executionId))).toEqual(new Set([spec.executionId]));
      const view = await bench.host.executeAndWait(boxId, spec, { timeoutMs: patienceMs(20_000), lastLines: 10 });
      expect(view.stdout.text).toBe('once\n');
    });

    it('keeps the last lines and says whether there were more', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'seq 1 50');
      const view = await bench.host.execution(boxId, executionId, 2);
      expect(view.stdout).toEqual({ text: '49\n50\n', truncated: true });
      expect((await bench.host.execution(boxId, executionId, 50)).stdout.truncated).toBe(false);
    });

    it('waits no longer than asked, and answers with what is', async () => {
      const boxId = await bench.box();
      const spec = execution('sleep 60');
      const view = await bench.host.executeAndWait(boxId, spec, { timeoutMs: 50, lastLines: 1 });
      expect(view.status).not.toBe('completed');
      await bench.host.kill(boxId, spec.executionId);
    });

    it('kills, and says who did', async () => {
      const boxId = await bench.box();
      const spec = execution('sleep 60');
      await bench.host.execute(boxId, spec);
      await bench.host.waitExecution(boxId, spec.executionId, {
        until: ['running'],
        timeoutMs: patienceMs(10_000),
        lastLines: 0,
      });
      await bench.host.kill(boxId, spec.executionId);
      const wait = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 1 } as const;
      const view = await bench.host.waitExecution(boxId, spec.executionId, wait);
      expect(view.end).toEqual({ kind: 'killed', signal: 9, by: 'host' });
      await bench.host.kill(boxId, spec.executionId);
      expect((await bench.host.execution(boxId, spec.executionId, 1)).end).toEqual(view.end);
    });

    it('feeds stdin to its end', async () => {
      const boxId = await bench.box();
      const spec = execution('cat', { attachStdin: true });
      await bench.host.execute(boxId, spec);
      await bench.host.stdin(boxId, spec.executionId, Buffer.from('first\n'), false);
      await bench.host.stdin(boxId, spec.executionId, Buffer.from('second\n'), true);
      const view = await bench.host.executeAndWait(boxId, spec, { timeoutMs: patienceMs(20_000), lastLines: 10 });
      expect(view).toMatchObject({ end: { kind: 'exited', code: 0 }, stdout: { text: 'first\nsecond\n' } });
      await expect(bench.host.stdin(boxId, spec.executionId, Buffer.from('x'), true)).rejects.toMatchObject({
        code: 'stdinClosed',
      });
    });

    it('writes to stdin once for each token', async () => {
      const boxId = await bench.box();
      const spec = execution('cat', { attachStdin: true });
      await bench.host.execute(boxId, spec);
      for (const [text, end, token] of [
        ['one\n', false, 'a'],
        ['one\n', false, 'a'],
        ['two\n', false, 'b'],
        ['one\n', false, 'a'],
        ['three\n', true, 'c'],
      ] as const) {
        await bench.host.stdin(boxId, spec.executionId, Buffer.from(text), end, token);
      }
      const view = await bench.host.executeAndWait(boxId, spec, { timeoutMs: patienceMs(20_000), lastLines: 10 });
      expect(view.stdout.text).toBe('one\ntwo\nthree\n');
    });

    it('refuses stdin that was not attached', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'true');
      await expect(bench.host.stdin(boxId, executionId, Buffer.from('x'), true)).rejects.toMatchObject({
        code: 'stdinNotAttached',
      });
    });

    it('keeps variables and directory between the commands of a named shell, in order', async () => {
      const boxId = await bench.box();
      const inShell = { shellName: 'main' };
      const waits = ['export A=1', 'cd /tmp', 'echo $A; pwd'].map((command) => bench.run(boxId, command, inShell));
      const [, , last] = await Promise.all(waits);
      expect(last?.stdout.text).toBe('1\n/tmp\n');
      expect((await bench.run(boxId, 'pwd')).stdout.text).toBe('/home/user\n');
    });

    it('knows no execution that was not started, and no box that was not made', async () => {
      const boxId = await bench.box();
      await expect(bench.host.execution(boxId, 'exec-unknown', 1)).rejects.toMatchObject({ code: 'executionNotFound' });
      await expect(bench.host.execute('dbx-unknown', execution('true'))).rejects.toMatchObject({ code: 'boxNotFound' });
    });

    it('reports what a dying box left unfinished as lost, never with an exit code', async () => {
      const boxId = await bench.box();
      const spec = execution('echo begun; sleep 60');
      await bench.host.execute(boxId, spec);
      await expect
        .poll(() => bench.host.execution(boxId, spec.executionId, 1), { timeout: patienceMs(10_000) })
        .toMatchObject({ stdoutBytes: 6 });
      await bench.harness.killBox(boxId);
      const wait = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 1 } as const;
      const view = await bench.host.waitExecution(boxId, spec.executionId, wait);
      expect(view).toMatchObject({ end: { kind: 'lost' }, stdout: { text: 'begun\n' } });
      expect(view.end).not.toHaveProperty('code');
    });
  });
}
