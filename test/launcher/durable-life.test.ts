import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchedBerth } from './berth.ts';

let berth: LaunchedBerth;
let box: string;
beforeAll(async () => {
  berth = await LaunchedBerth.prepare();
  await berth.output('up', '--detach');
  box = await berth.output('devbox', 'create', '--name', 'desk', '--isolation', 'container', '--idle', '2h');
  await berth.output('devbox', 'exec', 'desk', 'echo kept > ~/file');
}, 600_000);
afterAll(async () => {
  expect(await berth.remove()).toEqual([]);
}, 120_000);

type Json = Readonly<Record<string, unknown>>;
const json = async <Value = Json>(...words: string[]): Promise<Value> =>
  JSON.parse(await berth.output(...words, '--json')) as Value;
const ids = (items: readonly Json[]): unknown[] => items.map(({ id }) => id);

describe('names', () => {
  it('stand for the id of the one box that has them', async () => {
    expect(await json('devbox', 'get', 'desk')).toMatchObject({ id: box });
    expect(await berth.output('devbox', 'exec', 'desk', 'cat file')).toBe('kept');
  });

  it('are refused when two boxes live under them', async () => {
    const twin = await berth.output('devbox', 'create', '--name', 'desk');
    const refused = await berth.run(['devbox', 'get', 'desk']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(twin);
    expect(refused.stderr).toContain(box);
    await berth.output('devbox', 'delete', twin);
    expect(await json('devbox', 'get', 'desk')).toMatchObject({ id: box });
  });

  it('that nothing has are told as such', async () => {
    const refused = await berth.run(['devbox', 'suspend', 'nobody']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("no box is named 'nobody'");
  });
});

describe('devbox suspend and resume', () => {
  it('parks a box with its disk, shows it, and lets it go on', async () => {
    expect(await berth.output('devbox', 'suspend', 'desk')).toBe(`${box} suspended`);
    expect(ids(await json<Json[]>('devbox', 'list', '--status', 'suspended'))).toEqual([box]);
    expect(ids(await json<Json[]>('devbox', 'list', '--status', 'running'))).toEqual([]);
    expect(await berth.output('devbox', 'list')).toMatch(/desk +suspended /);
    expect(await berth.output('status')).toContain('1 suspended');

    const exec = await berth.run(['devbox', 'exec', 'desk', 'true']);
    expect(exec.status).toBe(1);
    expect(exec.stderr).toContain('suspended');

    expect(await berth.output('devbox', 'resume', 'desk')).toBe(`${box} running`);
    expect(await berth.output('devbox', 'exec', 'desk', 'cat file')).toBe('kept');
  });

  it('says why a running box cannot be resumed', async () => {
    const refused = await berth.run(['devbox', 'resume', 'desk']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/running/);
  });

  it('refuses to keep the memory of a container', async () => {
    const refused = await berth.run(['devbox', 'suspend', '--memory', 'desk']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('memory');
    expect(await json('devbox', 'get', 'desk')).toMatchObject({ status: 'running' });
  });

  it('outlives berth down, which does not ask about a suspended box', async () => {
    await berth.output('devbox', 'suspend', 'desk');
    await berth.output('down');
    await berth.output('up', '--detach');
    expect(await berth.output('devbox', 'resume', 'desk')).toBe(`${box} running`);
    expect(await berth.output('devbox', 'exec', 'desk', 'cat file')).toBe('kept');
  });
});

describe('devbox get', () => {
  it('shows size, isolation, life and history', async () => {
    const text = await berth.output('devbox', 'get', 'desk');
    expect(text).toMatch(/^size +SMALL: 1 CPU/m);
    expect(text).toMatch(/^isolation +container$/m);
    expect(text).toMatch(/^life +suspended when idle for 2 h/m);
    expect(text).toMatch(/^ +\S+Z suspended/m);
  });
});

describe('devbox fork', () => {
  it('gives copies that go their own ways, while the source goes on', async () => {
    const forks = (await berth.output('devbox', 'fork', 'desk', '-n', '2', '--name', 'copy')).split('\n');
    expect(forks).toHaveLength(2);
    const [one = '', two = ''] = forks;
    await berth.output('devbox', 'exec', one, 'echo changed > file');
    expect(await berth.output('devbox', 'exec', two, 'cat file')).toBe('kept');
    expect(await berth.output('devbox', 'exec', 'desk', 'cat file')).toBe('kept');
    expect(await berth.output('devbox', 'get', one)).toMatch(
      new RegExp(`^forked +from ${box}, which stood still for \\d`, 'm'),
    );
    await berth.output('devbox', 'delete', one, two);
  });

  it('refuses memory where the grade has none', async () => {
    const refused = await berth.run(['devbox', 'fork', 'desk', '--memory']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('memory');
  });
});

describe('snapshots', () => {
  it('are taken, listed, started from by name, and deleted', async () => {
    const id = await berth.output(
      'devbox',
      'snapshot',
      'desk',
      '--name',
      'ready',
      '-m',
      'with a file',
      '--metadata',
      'a=b',
    );
    expect(await json<Json[]>('snapshot', 'list', '--devbox', 'desk', '--metadata', 'a=b')).toMatchObject([
      { id, name: 'ready', commit_message: 'with a file' },
    ]);
    expect(await berth.output('snapshot', 'get', 'ready')).toMatch(/^status +complete$/m);

    const started = await berth.output('devbox', 'create', '--from', 'ready', '--name', 'second');
    expect(await berth.output('devbox', 'exec', started, 'cat file')).toBe('kept');
    expect(await berth.output('devbox', 'get', 'second')).toMatch(new RegExp(`^snapshot +${id}$`, 'm'));

    const agent = ['run', '--json', '--agent', 'cat ~/file > "$BERTH_RESULT"', '--from', 'ready', '-n', '2'];
    expect(JSON.parse(await berth.output(...agent))).toMatchObject([{ result: 'kept\n' }, { result: 'kept\n' }]);

    await berth.output('devbox', 'delete', 'second');
    expect(await berth.output('snapshot', 'delete', 'ready')).toBe(`${id} deleted`);
    expect(await json('snapshot', 'list')).toEqual([]);
  });

  it('are pruned by rule, only after a yes', async () => {
    const taken: string[] = [];
    for (const _ of [1, 2, 3]) {
      taken.unshift(await berth.output('devbox', 'snapshot', 'desk', '--name', 'nightly'));
    }
    const [newest = '', middle = '', oldest = ''] = taken;
    const ambiguous = await berth.run(['devbox', 'create', '--from', 'nightly']);
    expect(ambiguous.stderr).toContain("3 snapshots are named 'nightly'");

    expect((await berth.run(['snapshot', 'prune'])).stderr).toContain('nothing says which');
    const dry = await berth.run(['snapshot', 'prune', '--keep', '1', '--dry-run']);
    expect(dry.status).toBe(0);
    expect(dry.stdout).toContain(middle);
    expect(dry.stdout).toContain(oldest);
    expect(dry.stdout).not.toContain(newest);
    expect((await berth.run(['snapshot', 'prune', '--keep', '1'])).status).toBe(1);
    expect(ids(await json<Json[]>('snapshot', 'list'))).toEqual(taken);

    const user = await berth.output('devbox', 'create', '--from', middle);
    const pruned = await json<{ deleted: string[] }>('snapshot', 'prune', '--unused', '--keep', '1', '--yes');
    expect(pruned.deleted).toEqual([oldest]);
    await berth.output('devbox', 'delete', user);
    expect(await berth.output('snapshot', 'prune', '--keep', '1', '--yes')).toContain('1 snapshot deleted');
    expect(ids(await json<Json[]>('snapshot', 'list'))).toEqual([newest]);
  });

  it('outlive berth down --all, which ends every box', async () => {
    const id = await berth.output('devbox', 'snapshot', 'desk', '--name', 'stays');
    await berth.output('devbox', 'suspend', 'desk');
    await berth.output('down', '--all');
    await berth.output('up', '--detach');
    expect(await json('devbox', 'list')).toEqual([]);
    expect(await json('devbox', 'get', box)).toMatchObject({ status: 'shutdown' });
    const started = await berth.output('devbox', 'create', '--from', 'stays');
    expect(await berth.output('devbox', 'exec', started, 'cat file')).toBe('kept');
    expect(await json('devbox', 'get', started)).toMatchObject({ snapshot_id: id });
  });
});
