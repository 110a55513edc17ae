import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cache } from '../../platform/artifacts.ts';
import { shared } from '../../platform/clients.ts';
import { makeRepository } from '../../platform/git.ts';

const execute = promisify(execFile);
const here = import.meta.dirname;

/** The system's own Python, whatever else is on the PATH. */
const systemPython = '/usr/bin/python3';

/** Makes the virtual environment of one client version, or takes the one that was made from the same list. */
async function environment(version: string): Promise<string> {
  const requirements = join(here, `requirements-${version}.txt`);
  const wanted = await readFile(requirements, 'utf8');
  const folder = join(cache, 'python', `runloop-${version}`);
  const stamp = join(folder, 'installed.txt');
  if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
    await mkdir(join(cache, 'python'), { recursive: true });
    if (!existsSync('/usr/lib/python3/dist-packages') || !(await hasVenv())) {
      await execute('apt-get', ['install', '-y', '--no-install-recommends', 'python3-venv']);
    }
    await execute(systemPython, ['-m', 'venv', '--clear', folder]);
    await execute(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    await writeFile(stamp, wanted);
  }
  return join(folder, 'bin/python');
}

const hasVenv = () =>
  execute(systemPython, ['-c', 'import venv, ensurepip']).then(
    () => true,
    () => false,
  );

describe.each(['1.32.0', '3.0.0'])('the official Python client %s', (version) => {
  it('passes its suite, synchronous and asynchronous', { timeout: 600_000 }, async () => {
    const python = await environment(version);
    const { baseUrl, apiKey } = shared();
    const repository = `mounted-${version}`;
    makeRepository(`python/${repository}`).commit({ 'README.md': 'hello\n' });
    const { stdout, code } = await execute(python, ['-B', '-m', 'pytest', here], {
      cwd: here,
      env: {
        PATH: '/usr/bin:/bin',
        RUNLOOP_BASE_URL: baseUrl,
        RUNLOOP_API_KEY: apiKey,
        PYTHONDONTWRITEBYTECODE: '1',
        TEST_REPOSITORY: repository,
      },
      maxBuffer: 16 * 1024 * 1024,
    }).then(
      (done) => ({ stdout: done.stdout, code: 0 }),
      (failed: { stdout?: string; stderr?: string; code?: number }) => ({
        stdout: `${failed.stdout ?? ''}${failed.stderr ?? ''}`,
        code: failed.code ?? 1,
      }),
    );
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/\d+ passed/);
  });
});
