import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const example = join(import.meta.dirname, '..', '..', '..', 'examples', 'security-audit');
const lowestRecall = 0.9;
const lowestPrecision = 0.9;

interface Place {
  readonly file: string;
  readonly line: number;
  readonly cwe: string;
}

const key = ({ file, line, cwe }: Place): string => `${file}:${line} ${cwe}`;
const readJson = <Value>(path: string): Value => JSON.parse(readFileSync(path, 'utf8')) as Value;
const expected = readJson<Record<string, Place[]>>(join(example, 'expected.json'));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-audit-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Findings of the agent itself, without the tools it would install in a box. */
const audit = (target: string): Place[] => {
  const result = join(directory, `${target}.json`);
  execFileSync('python3', [join(example, 'agent', 'main.py'), join(example, 'targets', target), result], {
    env: { ...process.env, BERTH_AUDIT_TOOLS: 'off', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'ignore',
  });
  return readJson<{ findings: Place[] }>(result).findings;
};

describe('the audit agent', () => {
  it('has expectations for every target', () => {
    expect(Object.keys(expected).sort()).toEqual(readdirSync(join(example, 'targets')).sort());
  });

  it('finds the known defects, and hardly anything else', () => {
    let hits = 0;
    let reported = 0;
    for (const [target, defects] of Object.entries(expected)) {
      const found = new Set(audit(target).map(key));
      reported += found.size;
      hits += defects.filter((defect) => found.has(key(defect))).length;
    }
    const known = Object.values(expected).flat().length;
    expect(hits / known).toBeGreaterThanOrEqual(lowestRecall);
    expect(hits / reported).toBeGreaterThanOrEqual(lowestPrecision);
  });

  it('is silent about a program without defects', () => {
    expect(audit('notes-api').filter(({ file }) => file === 'notes/__main__.py')).toEqual([]);
  });
});
