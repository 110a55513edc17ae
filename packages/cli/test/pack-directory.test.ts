import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packingCommand } from '../src/devboxes/download.ts';
import { packDirectory } from '../src/devboxes/pack-directory.ts';

let directory: string;
let said: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-pack-test-'));
  mkdirSync(join(directory, 'source'));
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

const file = (name: string): string => join(directory, 'source', name);
// More than a pipe and a stream take before they are read: tar waits in the middle of the first file.
const large = Buffer.alloc(8 * 1024 * 1024, 'a');

/** Changes something once tar is in the middle of its first file; gives the archive. */
async function packedWhile(change: () => void): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const packed = packDirectory(join(directory, 'source'));
  for await (const piece of packed.bytes()) {
    pieces.push(piece);
    if (pieces.length === 1) {
      change();
    }
  }
  return Buffer.concat(pieces);
}

const listed = (archive: Buffer): string =>
  execFileSync('tar', ['-tvf', '-'], { input: archive, encoding: 'utf8', maxBuffer: 2 ** 26 });

describe('a directory that changes while it is copied', () => {
  it('is copied with a warning where a file grows', async () => {
    writeFileSync(file('log'), large);
    const archive = await packedWhile(() => appendFileSync(file('log'), 'more'));
    expect(listed(archive)).toMatch(new RegExp(` ${large.length} .*/log`));
    expect(said).toBe('tar: ./log: file changed as we read it\n');
  });

  it('is copied with a warning where files go', async () => {
    writeFileSync(file('one'), large);
    writeFileSync(file('two'), large);
    const archive = await packedWhile(() => {
      unlinkSync(file('one'));
      unlinkSync(file('two'));
    });
    // The one that was open is whole.
    expect(listed(archive).match(/(one|two)$/gm)).toHaveLength(1);
    expect(said).toMatch(/File removed before we read it/);
  });

  it('is not copied where a file gets shorter, and would end with zeros', async () => {
    writeFileSync(file('log'), large);
    await expect(packedWhile(() => truncateSync(file('log'), 100))).rejects.toThrow('tar could not pack');
    expect(said).toMatch(/padding with zeros/);
  });
});

describe('the command that packs a directory in a box', () => {
  /** Runs it with a tar that says this and ends so. */
  async function status(words: string, end: number): Promise<{ status: number | null; stderr: string }> {
    writeFileSync(join(directory, 'tar'), `#!/bin/sh\nprintf '%s' '${words}' >&2\nexit ${end}\n`, { mode: 0o755 });
    const command = packingCommand(join(directory, 'source'), join(directory, 'packed'));
    const child = spawn('sh', ['-c', command], { env: { PATH: `${directory}:${process.env['PATH'] ?? ''}` } });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await once(child, 'close');
    return { status: child.exitCode, stderr };
  }
  const changed = 'tar: ./a: file changed as we read it\n';

  it.each([
    ['nothing', '', 0, 0],
    ['a change', changed, 1, 0],
    ['a removal and a change', `tar: ./b: File removed before we read it\n${changed}`, 1, 0],
    ['zeros', `${changed}tar: ./c: File shrank by 1 bytes; padding with zeros\n`, 1, 1],
    ['nothing, from a tar that ends with 1 for anything', '', 1, 1],
    ['a failure', `${changed}tar: ./d: Cannot open: Permission denied\n`, 2, 2],
  ])('passes on what tar said and ends well or not: %s', async (_what, words, end, expected) => {
    expect(await status(words, end)).toEqual({ status: expected, stderr: words });
  });
});
