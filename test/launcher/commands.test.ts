import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../platform/process.ts';
import { LaunchedBerth } from './berth.ts';

let berth: LaunchedBerth;
let box: string;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-commands-'));
  berth = await LaunchedBerth.prepare();
  await berth.output('up', '--detach');
  box = await berth.output('devbox', 'create', '--name', 'commands', '--env', 'STAGE=test');
}, 600_000);
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  expect(await berth.remove()).toEqual([]);
}, 120_000);

describe('devbox exec', () => {
  it('ends as the command ended, with both outputs apart', async () => {
    const ending = await berth.run(['devbox', 'exec', box, 'echo "to $STAGE"; echo err >&2; exit 7']);
    expect(ending).toMatchObject({ status: 7, stdout: 'to test\n', stderr: 'err\n' });
  });

  it('passes words through as words', async () => {
    const ending = await berth.run(['devbox', 'exec', box, '--', 'printf', '%s|', 'a b', '$HOME', "it's"]);
    expect(ending.stdout).toBe("a b|$HOME|it's|");
  });

  it('hands over standard input', async () => {
    const ending = await berth.run(['devbox', 'exec', '-i', box, 'tr a-z A-Z'], { input: 'grüße\nend' });
    expect(ending).toMatchObject({ status: 0, stdout: 'GRüßE\nEND' });
  });

  it('kills the command on Ctrl-C', async () => {
    const ending = await berth.run(['devbox', 'exec', box, 'echo begun; exec sleep 1234'], { interruptAfter: 'begun' });
    expect(ending.status).toBe(130);
    expect((await berth.run(['devbox', 'exec', box, 'pgrep -fx "sleep 1234"'])).status).toBe(1);
  });

  it('keeps the directory in a named shell', async () => {
    await berth.output('devbox', 'exec', '--shell', 'one', box, 'cd /usr/share');
    expect(await berth.output('devbox', 'exec', '--shell', 'one', box, 'pwd')).toBe('/usr/share');
  });
});

describe('devbox shell', () => {
  it('runs lines in one shell until its input ends', async () => {
    const ending = await berth.run(['devbox', 'shell', box], { input: 'cd /tmp\nX=5\necho $X in $PWD\nfalse\n' });
    expect(ending.stdout).toContain('5 in /tmp\n');
    expect(ending.status).toBe(1);
  });
});

describe('devbox cp', () => {
  it('copies files and directories there and back, byte for byte', async () => {
    const tree = join(directory, 'tree');
    mkdirSync(join(tree, 'deep er'), { recursive: true });
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7_919) % 256));
    writeFileSync(join(tree, 'deep er', 'bytes'), bytes);
    writeFileSync(join(tree, 'text'), 'x');
    await berth.output('devbox', 'cp', tree, `${box}:/tmp/`);
    await berth.output('devbox', 'cp', `${box}:/tmp/tree`, join(directory, 'back'));
    expect(readFileSync(join(directory, 'back', 'deep er', 'bytes')).equals(bytes)).toBe(true);
    await berth.output('devbox', 'cp', `${box}:/tmp/tree/text`, directory);
    expect(readFileSync(join(directory, 'text'), 'utf8')).toBe('x');
  });

  it('says what is missing', async () => {
    const ending = await berth.run(['devbox', 'cp', `${box}:/absent`, directory]);
    expect(ending.status).toBe(1);
    expect(ending.stderr).toContain('does not exist');
  });
});

describe('secret', () => {
  it('reaches a box and is never shown', async () => {
    const created = await berth.run(['secret', 'create', 'CLI_TEST'], { input: 'hush-hush\n' });
    expect(created.status).toBe(0);
    expect(await berth.output('secret', 'list')).toContain('CLI_TEST');
    expect(created.stdout + (await berth.output('secret', 'get', 'CLI_TEST', '--json'))).not.toContain('hush');
    const other = await berth.output('devbox', 'create', '--secret', 'TOKEN=CLI_TEST');
    expect(await berth.output('devbox', 'exec', other, 'echo "<$TOKEN>"')).toBe('<hush-hush>');
    await berth.output('devbox', 'delete', other);
    await berth.output('secret', 'delete', 'CLI_TEST');
    expect(await berth.output('secret', 'list')).not.toContain('CLI_TEST');
  });
});

describe('account limits', () => {
  it('are set past the API, hold at once, and show', async () => {
    expect((await berth.run(['account', 'limits', '--set', 'running=x'])).status).not.toBe(0);
    expect(await berth.output('account', 'limits', '--set', 'running=1')).toContain('running 1');
    expect(await berth.output('account', 'limits')).toMatch(/running +1 +1/);
    expect(await berth.output('status')).toContain('running 1 of 1');
    const refused = await berth.run(['devbox', 'create']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('quota of 1 running devboxes');
    expect(await berth.output('account', 'limits', '--set', 'running=default')).toContain('nothing of its own');
    await berth.output('devbox', 'delete', await berth.output('devbox', 'create'));
  });
});

describe('mount-cache', () => {
  const kept = async (): Promise<Array<{ id: string }>> =>
    JSON.parse(await berth.output('mount-cache', 'list', '--json'));
  /** A box with an agent out of its registry, which may be away for a moment. */
  const boxWithAgent = async (): Promise<string> => {
    const [url, key] = [/BASE_URL=(\S+)/, /API_KEY=(\S+)/].map((pattern) => pattern.exec(environment)?.[1] ?? '');
    const answer = await fetch(`${url}/v1/devboxes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mounts: [{ type: 'agent_mount', agent_id: null, agent_name: 'small' }] }),
    });
    const { id } = (await answer.json()) as { id: string };
    const view = async () => JSON.parse(await berth.output('devbox', 'get', id, '--json')) as { status: string };
    await until('the box runs or fails', async () => /running|failure/.test((await view()).status), 180_000);
    expect(await view()).toMatchObject({ status: 'running' });
    return id;
  };
  let environment = '';

  it('shows what is kept for boxes to share, and takes it away while a box stands on it', {
    retry: 2,
    timeout: 240_000,
  }, async () => {
    environment = await berth.output('env');
    await berth.output('agent', 'create', 'small', '--npm', 'is-number', '--version', '7.0.0');
    const id = await boxWithAgent();
    const [layer] = await kept();
    expect(await berth.output('mount-cache', 'list')).toContain(layer?.id);
    expect(await berth.output('mount-cache', 'prune', '--unused-for', '30d', '--yes')).not.toContain(layer?.id);
    await berth.output('mount-cache', 'prune', '--dry-run');
    expect(await kept()).toHaveLength(1);
    await berth.output('mount-cache', 'prune', '--yes');
    expect(await kept()).toEqual([]);
    expect(await berth.output('devbox', 'exec', id, 'echo goes on')).toBe('goes on');
    await berth.output('devbox', 'delete', id);
  });
});

describe('run', () => {
  const report = async (...words: string[]) => {
    const ending = await berth.run(['run', '--json', ...words]);
    return { ...ending, reports: JSON.parse(ending.stdout) as Array<Record<string, unknown>> };
  };
  const living = async (): Promise<unknown[]> => JSON.parse(await berth.output('devbox', 'list', '--json'));

  it('gives the agent task and repository, brings results back, and shuts the boxes down', async () => {
    const repository = join(directory, 'repository');
    mkdirSync(repository);
    writeFileSync(join(repository, 'data.txt'), '42\n');
    const agent = `printf '{"summary": "%s of %s"}' "$BERTH_TASK" "$(cat data.txt)" > "$BERTH_RESULT"`;
    const { status, reports } = await report('--agent', agent, '--repo', repository, '-n', '2', '--', 'sum', 'up');
    expect(status).toBe(0);
    expect(reports).toHaveLength(2);
    expect(reports[1]).toMatchObject({ outcome: 'exited', exitStatus: 0, result: { summary: 'sum up of 42' } });
    expect(await living()).toHaveLength(1);
  });

  it('keeps the ways to fail apart', async () => {
    expect((await report('--agent', 'exit 3')).reports[0]).toMatchObject({ outcome: 'exited', exitStatus: 3 });
    const late = await report('--agent', 'sleep 1000', '--timeout', '1s');
    expect(late.status).toBe(1);
    expect(late.reports[0]).toMatchObject({ outcome: 'timeout' });
  });

  it('shuts the boxes down after Ctrl-C', async () => {
    const ending = await berth.run(['run', '--verbose', '--agent', 'echo begun; sleep 1000'], {
      interruptAfter: 'begun',
    });
    expect(ending.status).toBe(130);
    expect(ending.stdout).toContain('interrupted');
    expect(await living()).toHaveLength(1);
  });
});
