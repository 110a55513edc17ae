import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endless } from './endless-execution.ts';
import { streamingApi } from './streaming-api.ts';

const program = join(import.meta.dirname, '..', 'src', 'main.ts');

/** Runs the command line; `unread`: the output that is closed once `y` was read from it. */
const run = async (words: readonly string[], unread: 'stdout' | 'stderr') => {
  await using api = await streamingApi(endless());
  const child = spawn(process.execPath, [program, ...words], {
    env: { ...process.env, RUNLOOP_BASE_URL: api.client.endpoint.baseUrl, RUNLOOP_API_KEY: 'ak_test', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      said[name] += piece;
      if (name === unread && /\by\n/.test(said[name])) {
        child[name].destroy();
      }
    });
  }
  const status = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { status, said, calls: api.calls.map(({ path, body }) => [path, body] as const) };
};

describe('output that nobody reads any more', () => {
  it('ends the command in the box with devbox exec', async () => {
    const { status, calls } = await run(['devbox', 'exec', 'dbx_1', 'yes'], 'stdout');
    expect(calls.filter(([path]) => path.endsWith('/kill'))).toEqual([
      ['/v1/devboxes/dbx_1/executions/exc_1/kill', '{"kill_process_group":true}'],
    ]);
    expect(status).toBe(141);
  });

  it('ends a run, with its boxes', async () => {
    const { status, said, calls } = await run(['run', '--verbose', '--agent', 'yes'], 'stderr');
    expect(calls.map(([path]) => path)).toEqual(
      expect.arrayContaining(['/v1/devboxes/dbx_1/executions/exc_1/kill', '/v1/devboxes/dbx_1/shutdown']),
    );
    expect(said.stdout).toContain('interrupted');
    expect(status).toBe(130);
  });
});
