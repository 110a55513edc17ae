import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Bench } from './harness.ts';

const MiB = 1024 * 1024;
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}

const collect = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
};

/** Files both ways and TCP into the box. */
export const fileSuite = (begin: () => Promise<Bench>): void => {
  it.each([0, 1, 100_000, 30 * MiB])('writes and reads %i bytes', async (sizeBytes) => {
    const bench = await begin();
    const bytes = randomBytes(sizeBytes);
    const path = join(bench.folder, 'deep', 'file');
    const info = await bench.box.writeFile(path, pieces(bytes, 700_001), { makeParents: true, mode: 0o640 });
    expect(info).toMatchObject({ kind: 'file', sizeBytes, mode: 0o640 });
    expect(sha(readFileSync(path))).toBe(sha(bytes));
    const read = await bench.box.readFile(path);
    expect(read.info.sizeBytes).toBe(sizeBytes);
    expect(sha(await collect(read.body))).toBe(sha(bytes));
    expect(await bench.box.stat(path)).toMatchObject({ sizeBytes });
    const messages = (await bench.box.logs({})).map((entry) => [entry.source, entry.message]);
    expect(messages).toEqual([
      ['files', `write ${path} (${sizeBytes} bytes)`],
      ['files', `read ${path} (${sizeBytes} bytes)`],
    ]);
  });

  it('carries both ways over drops', async () => {
    const bench = await begin();
    const bytes = randomBytes(12 * MiB);
    const path = join(bench.folder, 'file');
    const cutter = setInterval(() => bench.cable.cut(), 25);
    try {
      await bench.box.writeFile(path, pieces(bytes, 100_000));
      const { body } = await bench.box.readFile(path);
      expect(sha(await collect(body))).toBe(sha(bytes));
    } finally {
      clearInterval(cutter);
    }
    expect(bench.breaches).toEqual([]);
  });

  it('says what is wrong with a path', async () => {
    const bench = await begin();
    await expect(bench.box.readFile(join(bench.folder, 'none'))).rejects.toMatchObject({ code: 'fileNotFound' });
    await expect(bench.box.readFile(bench.folder)).rejects.toMatchObject({ code: 'isDirectory' });
    await expect(bench.box.stat(join(bench.folder, 'none'))).rejects.toMatchObject({ code: 'fileNotFound' });
    await expect(bench.box.stat('')).rejects.toMatchObject({ code: 'invalidPath' });
    await expect(bench.box.stat('a\0b')).rejects.toMatchObject({ code: 'invalidPath' });
    const under = join(bench.folder, 'file', 'below');
    writeFileSync(join(bench.folder, 'file'), '');
    await expect(bench.box.stat(under)).rejects.toMatchObject({ code: 'notDirectory' });
  });

  it('leaves nothing of an upload that breaks off', async () => {
    const bench = await begin();
    const folder = join(bench.folder, 'home');
    const broken = async function* () {
      yield Buffer.alloc(MiB);
      throw new Error('the client went away');
    };
    await expect(bench.box.writeFile(join(folder, 'a'), broken())).rejects.toMatchObject({ code: 'cancelled' });
    const abort = new AbortController();
    const endless = async function* () {
      for (;;) {
        yield Buffer.alloc(MiB);
        abort.abort();
      }
    };
    await expect(bench.box.writeFile(join(folder, 'b'), endless(), {}, abort.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });
    await expect.poll(() => readdirSync(folder).filter((name) => !name.startsWith('.bash'))).toEqual([]);
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  it('stops reading when the reader stops, and holds a reader that does not read', async () => {
    const bench = await begin();
    const path = join(bench.folder, 'big');
    writeFileSync(path, Buffer.alloc(64 * MiB));
    const idle = await bench.box.readFile(path);
    const stopped = await bench.box.readFile(path);
    for await (const _ of stopped.body) {
      break;
    }
    expect((await bench.run('echo still here')).stdout.text).toBe('still here\n');
    expect((await collect(idle.body)).length).toBe(statSync(path).size);
    const abort = new AbortController();
    const aborted = await bench.box.readFile(path, {}, abort.signal);
    abort.abort();
    await expect(collect(aborted.body)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('connects to a port, both ways, until either side ends', async () => {
    const bench = await begin();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const bytes = randomBytes(3 * MiB);
      const connection = await bench.box.connect(port);
      const received = collect(connection.readable);
      for await (const piece of pieces(bytes, 100_000)) {
        await connection.write(piece);
      }
      await connection.end();
      expect(sha(await received)).toBe(sha(bytes));
      connection.destroy();
    } finally {
      server.close();
    }
    await expect(bench.box.connect(port)).rejects.toMatchObject({ code: 'connectRefused' });
    await expect(bench.box.connect(0)).rejects.toMatchObject({ code: 'connectRefused' });
  });
};
