import { describe, expect, it } from 'vitest';
import { type Bench, collect, execution } from './harness.ts';

export function outputContract(bench: Bench): void {
  describe('output', () => {
    it('replays from any offset after completion', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'seq 1 1000');
      const whole = Array.from({ length: 1000 }, (_, index) => `${index + 1}\n`).join('');
      for (const offset of [0, 1, 17, whole.length - 1, whole.length]) {
        expect(await collect(bench.host.output(boxId, executionId, 'stdout', offset))).toBe(whole.slice(offset));
      }
      expect(await collect(bench.host.output(boxId, executionId, 'stderr', 0))).toBe('');
    });

    it('counts offsets so that a reader can go on where it stopped', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'seq 1 200');
      let position = 0;
      for await (const { bytes, offset } of bench.host.output(boxId, executionId, 'stdout', 0)) {
        position += bytes.byteLength;
        expect(offset).toBe(position);
      }
      expect(position).toBe((await bench.host.execution(boxId, executionId, 1)).stdoutBytes);
    });

    it('follows a running execution to its end', async () => {
      const boxId = await bench.box();
      const spec = execution('echo one; cat; echo two', { attachStdin: true });
      await bench.host.execute(boxId, spec);
      const collected = collect(bench.host.output(boxId, spec.executionId, 'stdout', 0));
      await bench.host.stdin(boxId, spec.executionId, Buffer.from('middle\n'), true);
      expect(await collected).toBe('one\nmiddle\ntwo\n');
    });

    it('stops following when the signal is aborted', async () => {
      const boxId = await bench.box();
      const spec = execution('echo one; sleep 60');
      await bench.host.execute(boxId, spec);
      const abort = new AbortController();
      const follow = async () => {
        for await (const chunk of bench.host.output(boxId, spec.executionId, 'stdout', 0, abort.signal)) {
          expect(Buffer.from(chunk.bytes).toString()).toBe('one\n');
          abort.abort();
        }
      };
      await follow().catch((error: unknown) => expect(abort.signal.aborted, String(error)).toBe(true));
      expect(abort.signal.aborted).toBe(true);
      await bench.host.kill(boxId, spec.executionId);
    });

    it('is there after the box is destroyed, until it is forgotten', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'echo kept; exit 4');
      await bench.host.destroy(boxId);
      expect(await bench.host.execution(boxId, executionId, 10)).toMatchObject({
        end: { kind: 'exited', code: 4 },
        stdout: { text: 'kept\n' },
      });
      expect(await collect(bench.host.output(boxId, executionId, 'stdout', 0))).toBe('kept\n');
      await bench.host.forget(boxId);
      await expect(bench.host.execution(boxId, executionId, 10)).rejects.toMatchObject({ code: 'boxNotFound' });
    });
  });
}
