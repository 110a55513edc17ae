import { describe, expect, it } from 'vitest';
import { type Bench, collect, pieces } from './harness.ts';

export function fileContract(bench: Bench): void {
  describe('files', () => {
    it('gives back what was written, wherever the path is relative to', async () => {
      const boxId = await bench.box();
      const written = await bench.host.writeFile(boxId, 'notes.txt', pieces('one ', 'two'));
      expect(written).toMatchObject({ path: '/home/user/notes.txt', kind: 'file', sizeBytes: 7 });
      for (const path of ['notes.txt', '~/notes.txt', '/home/user/notes.txt']) {
        const { info, body } = await bench.host.readFile(boxId, path);
        expect(info.sizeBytes).toBe(7);
        expect(await collect(body)).toBe('one two');
      }
      expect((await bench.run(boxId, 'cat notes.txt')).stdout.text).toBe('one two');
    });

    it('reads what a command wrote, also nothing', async () => {
      const boxId = await bench.box();
      await bench.run(boxId, 'echo -n "" > empty; echo full > full');
      expect(await collect((await bench.host.readFile(boxId, 'empty')).body)).toBe('');
      expect(await collect((await bench.host.readFile(boxId, 'full')).body)).toBe('full\n');
    });

    it('carries a body that is larger than every window', async () => {
      const boxId = await bench.box();
      const block = 'x'.repeat(100_000);
      const body = pieces(...Array.from({ length: 50 }, () => block));
      expect(await bench.host.writeFile(boxId, 'large', body)).toMatchObject({ sizeBytes: 5_000_000 });
      const read = await collect((await bench.host.readFile(boxId, 'large')).body);
      expect(read === block.repeat(50)).toBe(true);
    });

    it('leaves no file when the body breaks off', async () => {
      const boxId = await bench.box();
      const broken = async function* () {
        yield Buffer.from('half');
        throw new Error('the sender broke off');
      };
      await expect(bench.host.writeFile(boxId, 'broken', broken())).rejects.toThrow();
      await expect(bench.host.stat(boxId, 'broken')).rejects.toMatchObject({ code: 'fileNotFound' });
    });

    it('makes parents only when asked to', async () => {
      const boxId = await bench.box();
      await expect(bench.host.writeFile(boxId, 'a/b/c', pieces('x'))).rejects.toMatchObject({ code: 'fileNotFound' });
      await bench.host.writeFile(boxId, 'a/b/c', pieces('x'), { makeParents: true });
      expect(await bench.host.stat(boxId, 'a/b')).toMatchObject({ kind: 'directory' });
    });

    it('puts a named file into a directory', async () => {
      const boxId = await bench.box();
      const options = { nameInDirectory: 'inside.txt' };
      expect(await bench.host.writeFile(boxId, '/tmp', pieces('x'), options)).toMatchObject({
        path: '/tmp/inside.txt',
      });
    });

    it('tells apart why a file cannot be had', async () => {
      const boxId = await bench.box();
      await bench.host.writeFile(boxId, 'file', pieces('x'));
      const read = (path: string) => bench.host.readFile(boxId, path);
      await expect(read('missing')).rejects.toMatchObject({ code: 'fileNotFound' });
      await expect(read('/tmp')).rejects.toMatchObject({ code: 'isDirectory' });
      await expect(read('file/below')).rejects.toMatchObject({ code: 'notDirectory' });
      await expect(read('/root/secret')).rejects.toMatchObject({ code: 'permissionDenied' });
      await expect(bench.host.writeFile(boxId, '/etc/mine', pieces('x'))).rejects.toMatchObject({
        code: 'permissionDenied',
      });
      await expect(bench.host.stat('dbx-unknown', 'file')).rejects.toMatchObject({ code: 'boxNotFound' });
    });

    it('acts with the rights of the account that is named', async () => {
      const boxId = await bench.box();
      const info = await bench.host.writeFile(boxId, '/root/secret', pieces('x'), { user: 'root', mode: 0o600 });
      expect(info).toMatchObject({ uid: 0, mode: expect.toSatisfy((mode: number) => (mode & 0o777) === 0o600) });
      expect(await collect((await bench.host.readFile(boxId, '/root/secret', { user: 'root' })).body)).toBe('x');
    });

    it('needs a running box', async () => {
      const boxId = await bench.box();
      await bench.host.destroy(boxId);
      await expect(bench.host.readFile(boxId, '/etc/hostname')).rejects.toMatchObject({ code: 'boxNotRunning' });
    });
  });
}
