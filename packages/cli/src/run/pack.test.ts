import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { looksLikeGitAddress, Packer } from './pack.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-pack-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const git = (...args: string[]): void => {
  execFileSync('git', ['-C', directory, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    stdio: 'ignore',
  });
};
const content = (archive: string): string[] =>
  execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((name) => name.replace(/^\.\//, ''))
    .filter((name) => name !== '' && !name.endsWith('/'))
    .sort();

const fill = (): void => {
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'src', 'a file\nwith a line break'), 'x');
  writeFileSync(join(directory, 'kept.txt'), 'x');
  writeFileSync(join(directory, 'ignored.log'), 'x');
  writeFileSync(join(directory, '.gitignore'), '*.log\n');
  symlinkSync('/etc/passwd', join(directory, 'link'));
};

describe('Packer', () => {
  it('leaves out what git ignores and what was deleted, and follows no link', async () => {
    fill();
    git('init', '-q');
    git('add', 'kept.txt');
    writeFileSync(join(directory, 'gone.txt'), 'x');
    git('add', 'gone.txt');
    rmSync(join(directory, 'gone.txt'));
    using packer = new Packer();
    const { archive } = await packer.packDirectory(directory);
    expect(content(archive)).toEqual(['.gitignore', 'kept.txt', 'link', 'src/a file\\nwith a line break']);
    expect(execFileSync('tar', ['-tvzf', archive], { encoding: 'utf8' })).toMatch(/link -> \/etc\/passwd/);
  });

  it('takes everything of a directory that git does not know', async () => {
    fill();
    using packer = new Packer();
    const { archive } = await packer.packDirectory(directory);
    expect(content(archive)).toContain('ignored.log');
  });

  it('clones an address, and cleans up behind itself', async () => {
    fill();
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'first');
    const packer = new Packer();
    const { archive, name } = await packer.packRepository(`file://${directory}`);
    expect(name).toMatch(/^berth-pack-/);
    expect(content(archive)).toEqual(expect.arrayContaining(['.git/HEAD', 'kept.txt']));
    packer[Symbol.dispose]();
    expect(existsSync(archive)).toBe(false);
  });

  it('says what is wrong with a source', async () => {
    using packer = new Packer();
    await expect(packer.packRepository(join(directory, 'absent'))).rejects.toThrow(/no directory/);
    await expect(packer.packRepository(`file://${directory}/absent`)).rejects.toThrow(/cannot clone/);
  });
});

it.each([
  ['https://example.com/a.git', true],
  ['git@example.com:a/b.git', true],
  ['./a', false],
  ['--upload-pack=x', false],
])('%s as an address: %s', (text, expected) => {
  expect(looksLikeGitAddress(text)).toBe(expected);
});
