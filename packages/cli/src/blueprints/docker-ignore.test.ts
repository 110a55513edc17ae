import { describe, expect, it } from 'vitest';
import { DockerIgnore } from './docker-ignore.ts';

const ignored = (text: string, ...paths: string[]): string[] => {
  const rules = new DockerIgnore(text);
  return paths.filter((path) => rules.ignores(path));
};

describe('a .dockerignore', () => {
  it('leaves out what a line names, and all below it', () => {
    expect(
      ignored('node_modules\n/dist/\n', 'node_modules', 'node_modules/a/b', 'dist/x', 'src/dist/x', 'nod'),
    ).toEqual(['node_modules', 'node_modules/a/b', 'dist/x']);
  });

  it('knows wildcards within a name and across directories', () => {
    expect(ignored('*.log\n*/temp?\n**/*.tmp', 'a.log', 'b/a.log', 'b/tempX', 'tempX', 'a.tmp', 'b/c/d.tmp')).toEqual([
      'a.log',
      'b/tempX',
      'a.tmp',
      'b/c/d.tmp',
    ]);
    expect(ignored('[a-c].txt\n[^x]1', 'b.txt', 'd.txt', 'y1', 'x1')).toEqual(['b.txt', 'y1']);
  });

  it('lets the last line that fits decide', () => {
    const text = '# all but notes\n*.md\n!README.md\ndocs\n!docs/keep\nREADME-secret.md';
    expect(ignored(text, 'a.md', 'README.md', 'docs/x', 'docs/keep/y', 'README-secret.md')).toEqual([
      'a.md',
      'docs/x',
      'README-secret.md',
    ]);
    expect(new DockerIgnore(text).hasExceptions).toBe(true);
  });

  it('means signs of expressions as they stand', () => {
    expect(ignored('a+b(1).c\n{x}\n\\*star', 'a+b(1).c', 'aab1xc', '{x}', '*star', 'xstar', '[')).toEqual([
      'a+b(1).c',
      '{x}',
      '*star',
    ]);
  });
});
