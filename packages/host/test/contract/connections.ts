import { describe, expect, it } from 'vitest';
import { type Bench, collect } from './harness.ts';

export function connectionContract(bench: Bench): void {
  describe('connections', () => {
    it('carries bytes both ways until both have ended', async () => {
      const boxId = await bench.box();
      await bench.harness.listenEcho(boxId, 7007);
      const connection = await bench.host.connect(boxId, 7007);
      const answer = collect(connection.readable);
      await connection.write(Buffer.from('there '));
      await connection.write(Buffer.from('and back'));
      await connection.end();
      expect(await answer).toBe('there and back');
    });

    it('carries more than every window without losing a byte', async () => {
      const boxId = await bench.box();
      await bench.harness.listenEcho(boxId, 7008);
      const connection = await bench.host.connect(boxId, 7008);
      const answer = collect(connection.readable);
      const block = Buffer.alloc(100_000, 'abcdefg');
      for (let count = 0; count < 30; count++) {
        await connection.write(block);
      }
      await connection.end();
      expect((await answer) === block.toString().repeat(30)).toBe(true);
    });

    it('says when nothing listens', async () => {
      const boxId = await bench.box();
      await expect(bench.host.connect(boxId, 9)).rejects.toMatchObject({ code: 'connectRefused' });
    });

    it('ends when it is destroyed', async () => {
      const boxId = await bench.box();
      await bench.harness.listenEcho(boxId, 7009);
      const connection = await bench.host.connect(boxId, 7009);
      const over = collect(connection.readable).catch(() => 'broken');
      connection.destroy();
      expect(['', 'broken']).toContain(await over);
    });
  });
}
