import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npmInstall, pipInstall } from '../../src/mounts/install-package.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'install-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs it where the programs are these scripts, `$0.calls` grows with each installation. */
const run = (line: string, script: string) => {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const body = `#!/bin/sh\ncase "$*" in *install*) ;; *prefix*) echo /nowhere; exit ;; *) exit 0 ;; esac\necho "$*" >> ${directory}/calls\ncount=$(wc -l < ${directory}/calls)\n${script}\n`;
  const programs = { npm: body, python3: body, sleep: '#!/bin/sh\n', sudo: '#!/bin/sh\nshift\nexec "$@"\n' };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', line], {
    encoding: 'utf8',
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: directory },
  });
  return { status, stdout, stderr, calls: readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n') };
};

describe.each([
  ['npm', npmInstall, 'npm error code ECONNRESET', 'npm error code E404'],
  ['pip', pipInstall, 'ERROR: Read timed out.', 'ERROR: No matching distribution found for some'],
])('a package of %s', (_kind, install, weather, refusal) => {
  const line = install({ name: 'some', version: '1.2.3' });

  it('is installed once', () => {
    const { status, calls } = run(line, 'exit 0');
    expect(status).toBe(0);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/ -- some(@|==)1\.2\.3$/);
  });

  it('is tried once more when its registry is away for a moment', () => {
    const { status, stderr, calls } = run(line, `[ "$count" = 2 ] || { echo '${weather}' >&2; exit 1; }`);
    expect(status).toBe(0);
    expect(calls).toHaveLength(2);
    expect(stderr).toContain(weather);
  });

  it('fails with its own status and words when the registry stays away', () => {
    const { status, stderr, calls } = run(line, `echo '${weather}' >&2; exit 7`);
    expect(status).toBe(7);
    expect(calls).toHaveLength(2);
    expect(stderr.trim().split('\n').at(-1)).toBe(weather);
  });

  it('is not tried again when it cannot be had', () => {
    const { status, stderr, calls } = run(line, `echo '${refusal}' >&2; exit 1`);
    expect(status).toBe(1);
    expect(calls).toHaveLength(1);
    expect(stderr).toBe(`${refusal}\n`);
  });
});
