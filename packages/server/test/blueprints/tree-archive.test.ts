import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ArchiveFile, treeArchive } from '../../src/blueprints/tree-archive.ts';

const file = (name: string, text: string, sizeBytes = Buffer.byteLength(text)): ArchiveFile => ({
  name,
  sizeBytes,
  content: async function* () {
    yield Buffer.from(text);
  },
});

const archive = async (...files: ArchiveFile[]): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(treeArchive(files)));

describe('an archive of trees', () => {
  it('is read by tar as it was written, long names and whole blocks too', async () => {
    const long = `trees/0/${'directory/'.repeat(40)}ünïcode`;
    const wide = `trees/0/${'x'.repeat(92)}`;
    const contents = {
      'trees/0/a': 'a',
      'trees/0/empty': '',
      'trees/0/block': 'b'.repeat(512),
      [long]: 'deep',
      [wide]: 'w',
    };
    const directory = mkdtempSync(join(tmpdir(), 'tree-archive-'));
    try {
      const bytes = await archive(...Object.entries(contents).map(([name, text]) => file(name, text)));
      execFileSync('tar', ['--extract', '--directory', directory], { input: bytes });
      for (const [name, text] of Object.entries(contents)) {
        expect(readFileSync(join(directory, name), 'utf8')).toBe(text);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('is the same for the same files, and fails over one that has changed its size', async () => {
    expect(await archive(file('a', 'x'))).toEqual(await archive(file('a', 'x')));
    await expect(archive(file('a', 'long', 2))).rejects.toThrow('a has not the 2 bytes');
    await expect(archive(file('a', 'x', 2))).rejects.toThrow('a has not the 2 bytes');
  });
});
