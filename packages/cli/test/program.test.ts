import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { repositoryDirectory } from '../src/installation/paths.ts';
import { program } from '../src/program.ts';

const leaves = (command: Command, path: readonly string[] = []): Array<[path: string, command: Command]> =>
  command.commands.length === 0
    ? [[path.join(' '), command]]
    : command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()]));

const berth = (...words: string[]) =>
  spawnSync(process.execPath, [join(repositoryDirectory(), 'packages/cli/src/main.ts'), ...words], {
    encoding: 'utf8',
  });

it.each(leaves(program()))('%s says what it does and shows examples', (_path, command) => {
  const written: string[] = [];
  command.configureOutput({ writeOut: (text) => written.push(text) });
  command.outputHelp();
  const help = written.join('');
  expect(command.description()).not.toBe('');
  expect(help).toMatch(/\nExamples?:\n {2}(\w+=\S+ |eval "\$\(|source <\()?\.\/berth /);
});

it.each([
  [['frobnicate'], /unknown command 'frobnicate'\n\(\.\/berth --help shows how\)/],
  [['devbox', 'exec'], /missing required argument 'devbox'\n\(\.\/berth devbox exec --help shows how\)/],
  [['logs', 'nothing'], /Allowed choices are .*\n\(\.\/berth logs --help shows how\)/],
  [['up', '--port', '99999'], /a port is a number from 1 to 65535/],
  [['devbox', 'list', '--colour'], /unknown option '--colour'/],
])('%j is refused with what is wrong and where the right usage stands', (words, expected) => {
  const { status, stdout, stderr } = berth(...words);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(expected);
});

it('tells its version', () => {
  expect(berth('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
