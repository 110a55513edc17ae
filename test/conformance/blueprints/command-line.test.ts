import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { checkout } from '../../platform/artifacts.ts';
import { shared } from '../../platform/clients.ts';

const execute = promisify(execFile);

/** Runs the command line against the platform of this group; gives what it printed. */
const berth = async (...words: string[]): Promise<{ stdout: string; stderr: string; code: number }> => {
  const { baseUrl, apiKey } = shared();
  const env = { PATH: process.env['PATH'] ?? '', RUNLOOP_BASE_URL: baseUrl, RUNLOOP_API_KEY: apiKey, NO_COLOR: '1' };
  const program = join(checkout, 'packages/cli/src/main.ts');
  return execute(process.execPath, [program, ...words], { env }).then(
    (done) => ({ ...done, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
};

it('builds a directory, tells each step, starts a box from it, and deletes it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-context-'));
  try {
    writeFileSync(join(directory, 'Dockerfile'), 'FROM runloop:runloop/starter-x86_64\nCOPY greeting /greeting\n');
    writeFileSync(join(directory, 'greeting'), 'from the directory\n');
    const build = ['blueprint', 'from-dockerfile', directory, '--name', 'by-hand', '--setup', 'echo set up'];
    const built = await berth(...build);
    expect(built.code, built.stderr).toBe(0);
    const id = built.stdout.trim();
    expect(id).toMatch(/^bpt_\w{21}$/);
    expect(built.stderr).toMatch(/\[\d+\/\d+\] COPY greeting \/greeting/);
    expect(built.stderr).toContain('set up');
    expect((await berth('blueprint', 'logs', id)).stdout).toContain('COPY greeting');
    expect((await berth('blueprint', 'list')).stdout).toMatch(new RegExp(`${id} +by-hand +build_complete`));
    const box = (await berth('devbox', 'create', '--blueprint', 'by-hand')).stdout.trim();
    expect((await berth('devbox', 'exec', box, 'cat /greeting')).stdout).toBe('from the directory\n');
    await berth('devbox', 'delete', box);
    expect((await berth('blueprint', 'delete', 'by-hand')).stdout).toBe(`${id} deleted\n`);
    expect((await berth('object', 'list')).stdout).not.toContain('context of by-hand');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('ends with 1 and the reason when a build fails', async () => {
  const failed = await berth('blueprint', 'create', 'broken', '--setup', 'echo on the way; exit 7');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('on the way');
  expect(failed.stderr).toMatch(/bpt_\w{21} failed/);
  await berth('blueprint', 'prune', '--failed', '--yes');
  expect((await berth('blueprint', 'list', '--name', 'broken')).stdout).toBe('');
});
