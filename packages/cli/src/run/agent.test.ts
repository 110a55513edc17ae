import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseManifest, readAgent } from './agent.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-agent-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('readAgent', () => {
  it('takes anything that is no directory as a line of bash', () => {
    expect(readAgent('make test > "$BERTH_RESULT"')).toEqual({ name: 'make', run: 'make test > "$BERTH_RESULT"' });
  });

  it('reads agent.json', () => {
    writeFileSync(join(directory, 'agent.json'), '{"name": "auditor", "run": "./go", "setup": "true", "future": 1}');
    expect(readAgent(directory)).toEqual({ name: 'auditor', run: './go', setup: 'true', directory });
  });

  it('takes an executable named run', () => {
    writeFileSync(join(directory, 'run'), '#!/bin/sh\n');
    chmodSync(join(directory, 'run'), 0o755);
    expect(readAgent(directory)).toMatchObject({ directory, run: '"$BERTH_AGENT"/run' });
  });

  it('refuses a directory with neither', () => {
    expect(() => readAgent(directory)).toThrow(/no agent/);
  });
});

describe('parseManifest', () => {
  it.each([
    ['[]', /run is missing/],
    ['null', /not a JSON object/],
    ['{', /agent\.json/],
    ['{"run": 7}', /run must be text/],
    ['{"name": "x"}', /run is missing/],
  ])('refuses %s', (text, problem) => {
    expect(() => parseManifest(text, 'agent.json')).toThrow(problem);
  });
});
