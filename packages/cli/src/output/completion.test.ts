import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { program } from '../program.ts';
import { completionScript, vocabularies } from './completion.ts';

/** What bash offers after these words. */
const offered = (words: readonly string[]): string[] => {
  const script = `${completionScript('bash', program())}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n');
};

describe('completion', () => {
  it('offers the commands that begin as typed', () => {
    expect(offered(['berth', 'de'])).toEqual(['devbox']);
  });

  it('goes down the tree of commands, past options and ids', () => {
    expect(offered(['berth', 'devbox', 'cre'])).toEqual(['create']);
    expect(offered(['berth', 'devbox', 'create', '--name', 'x', '--si'])).toEqual(['--size']);
    expect(offered(['berth', 'snapshot', 'prune', '--un'])).toEqual(['--unused']);
    expect(offered(['berth', 'secret', ''])).toContain('update');
  });

  it('knows every command of the program', () => {
    const paths = vocabularies(program()).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        '',
        'up',
        'down',
        'run',
        'devbox exec',
        'devbox fork',
        'snapshot prune',
        'secret create',
      ]),
    );
  });

  it.each(['bash', 'zsh', 'fish'] as const)('makes a script for %s that names all sub-commands of devbox', (shell) => {
    const script = completionScript(shell, program());
    for (const verb of [
      'create',
      'list',
      'get',
      'exec',
      'shell',
      'cp',
      'logs',
      'suspend',
      'resume',
      'fork',
      'snapshot',
      'delete',
    ]) {
      expect(script).toMatch(new RegExp(`\\b${verb}\\b`));
    }
  });
});
