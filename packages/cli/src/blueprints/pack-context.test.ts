import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProgram } from '../programs/run-program.ts';
import { contextFiles, packContext } from './pack-context.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-test-'));
  for (const path of ['Dockerfile', 'src/main.c', 'src/deep/keep.log', 'build/a.o', 'b.log', 'odd\nname']) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), path);
  }
  symlinkSync('/etc/passwd', join(directory, 'link'));
  writeFileSync(join(directory, '.dockerignore'), 'build\n**/*.log\n!src/deep/keep.log\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('takes what the .dockerignore leaves in, links as links, and not that file itself', async () => {
  expect(await contextFiles(directory)).toEqual([
    'Dockerfile',
    'link',
    'odd\nname',
    'src',
    'src/deep',
    'src/deep/keep.log',
    'src/main.c',
  ]);
});

it('packs it into one archive, which goes with its disposal', async () => {
  const context = await packContext(directory);
  expect(context.files).toBe(7);
  const listed = await runProgram(['tar', '-tvzf', context.archive]);
  expect(listed).toContain('link -> /etc/passwd');
  expect(listed).toContain('src/main.c');
  context[Symbol.dispose]();
  await expect(runProgram(['tar', '-tzf', context.archive])).rejects.toThrow();
});

it('says when there is no such directory', async () => {
  await expect(packContext(join(directory, 'nowhere'))).rejects.toThrow(/no directory/);
});
