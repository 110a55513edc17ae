import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { devboxView } from './devbox-views.ts';
import { endless } from './endless-execution.ts';
import { type Answer, type Seen, scriptedApi } from './scripted-api.ts';
import { streamingApi } from './streaming-api.ts';

const program = join(import.meta.dirname, '..', 'src', 'main.ts');

/** Runs the command line against an API that never comes to an end, and presses Ctrl-C once it waits. */
const interrupted = async (words: readonly string[], answer: (request: Seen) => Answer) => {
  let wait: () => void = () => undefined;
  await using api = await scriptedApi((request) => {
    if (request.path.endsWith('/wait_for_status') || request.path.endsWith('/status')) {
      wait();
    }
    return answer(request);
  });
  const child = spawn(process.execPath, [program, ...words], {
    env: { ...process.env, RUNLOOP_BASE_URL: api.client.endpoint.baseUrl, RUNLOOP_API_KEY: 'ak_test', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Once: a second Ctrl-C would end it at once.
  wait = () => {
    wait = () => undefined;
    child.kill('SIGINT');
  };
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, said, shutDown: api.seen.filter(({ path }) => path.endsWith('/shutdown')).map(({ path }) => path) };
};

const neverRuns = ({ path }: Seen): Answer => {
  if (path.endsWith('/wait_for_status')) {
    return [408, {}];
  }
  if (path.endsWith('/fork')) {
    return [200, { devboxes: ['dbx_1', 'dbx_2'].map((id) => devboxView({ id, status: 'provisioning' })) }];
  }
  return [200, devboxView({ id: 'dbx_1', status: 'provisioning' })];
};

describe('Ctrl-C', () => {
  it('shuts down the box whose id nobody learned', async () => {
    const ending = await interrupted(['devbox', 'create'], neverRuns);
    expect(ending).toMatchObject({ status: 130, shutDown: ['/v1/devboxes/dbx_1/shutdown'] });
    expect(ending.said).toContain('dbx_1 was shut down');
  });

  it('shuts down the copies of a fork', async () => {
    const ending = await interrupted(['devbox', 'fork', '-n', '2', 'dbx_9'], neverRuns);
    expect(ending.status).toBe(130);
    expect(ending.shutDown.toSorted()).toEqual(['/v1/devboxes/dbx_1/shutdown', '/v1/devboxes/dbx_2/shutdown']);
  });

  it('leaves a suspension to itself, and says so', async () => {
    const ending = await interrupted(['devbox', 'suspend', 'dbx_1'], neverRuns);
    expect(ending).toMatchObject({ status: 130, shutDown: [] });
    expect(ending.said).toContain('goes on without you');
  });

  it('leaves a snapshot to itself, and says how to find it', async () => {
    const ending = await interrupted(['devbox', 'snapshot', 'dbx_1'], ({ path }) =>
      path.endsWith('/status') ? [200, { status: 'in_progress' }] : [200, { id: 'snp_1' }],
    );
    expect(ending).toMatchObject({ status: 130, shutDown: [] });
    expect(ending.said).toContain('./berth snapshot get snp_1');
  });
});

describe('Ctrl-C with devbox exec --json', () => {
  it.each([[['--json']], [['--json', '--interactive']]])(
    'kills the command all the same, and prints how it ended: %j',
    async (options) => {
      await using api = await streamingApi((call, response) => {
        if (call.path.endsWith('/wait_for_status')) {
          interrupt();
        }
        answer(call, response);
      });
      const answer = endless();
      const child = spawn(process.execPath, [program, 'devbox', 'exec', ...options, 'dbx_1', 'yes'], {
        env: {
          ...process.env,
          RUNLOOP_BASE_URL: api.client.endpoint.baseUrl,
          RUNLOOP_API_KEY: 'ak_test',
          NO_COLOR: '1',
        },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let interrupt = (): void => {
        interrupt = () => undefined;
        child.kill('SIGINT');
      };
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
      expect(api.calls.filter(({ path }) => path.endsWith('/kill'))).toHaveLength(1);
      expect(JSON.parse(said)).toMatchObject({ execution_id: 'exc_1', status: 'completed', end: { kind: 'killed' } });
      expect(status).toBe(130);
    },
  );
});
