import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const example = join(import.meta.dirname, '..', '..', '..', 'examples', 'live-fork');
const changes = readdirSync(join(example, 'changes')).filter((file) => file.endsWith('.patch'));
/** The one that is faster because it does less than it should. */
const wrong = 'drop-common.patch';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-live-fork-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A copy of the project with a change applied. */
const changed = (change: string): string => {
  const copy = join(directory, change);
  cpSync(join(example, 'project'), copy, { recursive: true });
  execFileSync('git', ['apply', join(example, 'changes', change)], { cwd: copy });
  return copy;
};

const python = (project: string, ...words: string[]) =>
  spawnSync('python3', words, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });

/** Compares the engine with the reference over real sources, for real queries. */
const comparison = `
import collections, email, sys
from codesearch import corpus
from codesearch.engine import Engine
from codesearch.index import Index
from codesearch.words import words
from tests.reference import problem_with, score_counted
roots = [email.__path__[0]]
documents = list(corpus.documents(roots))
engine = Engine(Index(documents))
counts = [collections.Counter(words(text)) for _, text in documents]
queries = corpus.first_sentences(roots, 30)
problems = [problem_with(engine.search(query), score_counted(query, counts)) for query in queries]
print(len(documents) > 100 and len(queries) == 30)
sys.exit(any(problems))
`;

describe('the project of the live fork', () => {
  it('has green tests as it is', () => {
    expect(python(join(example, 'project'), '-m', 'unittest', '--quiet').status).toBe(0);
  });

  it('has eight changes, each with a title', () => {
    expect(changes).toHaveLength(8);
    for (const change of changes) {
      expect(readFileSync(join(example, 'changes', change), 'utf8').split('\n')[0]).toMatch(/^[A-Z].{20,90}$/);
    }
  });

  it.each(changes.filter((change) => change !== wrong))('answers as the reference does with %s', (change) => {
    const project = changed(change);
    const tests = python(project, '-m', 'unittest', '--quiet');
    expect(tests.stderr).toContain('OK');
    expect(python(project, '-c', comparison)).toMatchObject({ status: 0, stdout: 'True\n' });
  });

  it('sees that a change that skips words is wrong', () => {
    const project = changed(wrong);
    expect(python(project, '-m', 'unittest', '--quiet').status).toBe(1);
    expect(python(project, '-c', comparison)).toMatchObject({ status: 1, stdout: 'True\n' });
  });
});
