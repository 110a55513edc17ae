import type Runloop from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { output, whatBecameOf, withBox } from '../../platform/boxes.ts';
import { rawClient, request, shared } from '../../platform/clients.ts';
import { gitToken, gitUrl, makeRepository } from '../../platform/git.ts';
import { evictLayers } from '../../platform/host.ts';

const client = rawClient();

/** With fields of Berth's own, which the client passes on. */
type CodeMount = Omit<Runloop.CodeMountParameters, 'repo_owner' | 'repo_name'> & Record<string, unknown>;
const withMounts = <T>(mounts: readonly CodeMount[], use: (id: string) => Promise<T>): Promise<T> =>
  withBox(client, { mounts: mounts.map((mount) => ({ type: 'code_mount', ...mount })) as never }, ({ id }) => use(id));

const commitAs = 'git -c user.name=ada -c user.email=ada@example.org commit -qam';

/** The box's failure over a mount. */
const failure = async (mount: CodeMount): Promise<string> => {
  const { status, failure_reason, state_transitions } = await whatBecameOf(client, {
    mounts: [{ type: 'code_mount', ...mount }] as never,
  });
  expect([status, failure_reason]).toEqual(['failure', 'execution_failed']);
  return JSON.stringify(state_transitions);
};

describe('code mounts (API §11)', () => {
  it('clone from GitHub by owner and name, with history, branches and tags, and install', async () => {
    const repository = makeRepository('ada/whole');
    repository.commit({ 'README.md': 'old\n' });
    repository.git('tag', 'v1');
    repository.git('checkout', '--quiet', '-b', 'topic');
    repository.commit({ topic: 'topic\n' });
    repository.git('checkout', '--quiet', 'main');
    const commit = repository.commit({ 'README.md': 'new\n', 'bin/run': '#!/bin/sh\necho ran\n' });
    const install_command = 'pwd; whoami; touch installed; echo to-the-log >&2';
    await withMounts([{ repo_owner: 'ada', repo_name: 'whole', install_command }], async (id) => {
      expect(
        await output(client, id, 'cd whole && git rev-parse HEAD && git status --porcelain && cat README.md'),
      ).toBe(`${commit}\n?? installed\nnew\n`);
      expect(
        await output(client, id, 'cd whole && git log --oneline | wc -l && git branch -a && git tag && git fsck 2>&1'),
      ).toBe('2\n* main\n  remotes/origin/HEAD -> origin/main\n  remotes/origin/main\n  remotes/origin/topic\nv1\n');
      expect(
        await output(client, id, 'cd whole && git checkout -q topic && cat topic && git status -sb | head -1'),
      ).toBe('topic\n## topic...origin/topic\n');
      expect(await output(client, id, 'find whole ! -user user | wc -l; git -C whole config remote.origin.url')).toBe(
        `0\n${gitUrl()}/ada/whole.git\n`,
      );
      const { logs } = await client.devboxes.logs.list(id);
      const lines = logs.map(({ message }) => message).join('\n');
      expect(lines).toContain('/home/user/whole');
      expect(lines).toContain('to-the-log');
    });
  });

  it.each([
    ['a branch', 'topic', 'topic'],
    ['a tag', 'v1', 'one'],
    ['a commit', 'COMMIT', 'two'],
  ])('check out %s', async (what, given, content) => {
    const repository = makeRepository(`ada/refs-${given}`);
    repository.commit({ file: 'one' });
    repository.git('tag', '-a', '-m', 'tag', 'v1');
    const two = repository.commit({ file: 'two' });
    repository.git('checkout', '--quiet', '-b', 'topic');
    repository.commit({ file: 'topic' });
    repository.git('checkout', '--quiet', 'main');
    repository.commit({ file: 'main' });
    const git_ref = what === 'a commit' ? two : given;
    await withMounts([{ repo_owner: 'ada', repo_name: `refs-${given}`, git_ref }], async (id) => {
      expect(await output(client, id, `cat refs-${given}/file`)).toBe(content);
    });
  });

  it('take any URL, a path, a depth and submodules', async () => {
    const [inner, outer] = [makeRepository('bob/inner'), makeRepository('bob/outer')];
    inner.commit({ inner: 'old' });
    inner.commit({ inner: 'inner' });
    outer.commit({ file: 'one' });
    outer.git('submodule', '--quiet', 'add', inner.directory, 'lib/inner');
    outer.commit({ '.gitmodules': '[submodule "i"]\n\tpath = lib/inner\n\turl = ../inner.git\n' });
    const mount = { git_url: `${gitUrl()}/bob/outer.git`, submodules: true };
    const mounts = [mount, { ...mount, path: '/srv/deep/shallow', depth: 1 }];
    await withMounts(mounts, async (id) => {
      for (const [path, commits] of [
        ['outer', 2],
        ['/srv/deep/shallow', 1],
      ] as const) {
        expect(await output(client, id, `cd ${path} && cat lib/inner/inner && git log --oneline | wc -l`)).toBe(
          `inner${commits}\n`,
        );
        expect(await output(client, id, `cd ${path} && git status --porcelain && git submodule status`)).toMatch(
          /^ [0-9a-f]{40} lib\/inner/,
        );
        expect(
          await output(
            client,
            id,
            `cd ${path} && git rev-parse --absolute-git-dir && cd lib/inner && git rev-parse --absolute-git-dir`,
          ),
        ).toContain('/.git/modules/');
      }
    });
  });

  it('are as new in each box that shares them: writable, clean, and known to git without reading the files', async () => {
    makeRepository('ada/shared').commit({ file: 'one', 'deep/er/file': 'two' });
    const mount = { repo_owner: 'ada', repo_name: 'shared' };
    await withMounts([mount], (id) =>
      output(client, id, `cd shared && echo changed > file && git rm -rq deep && ${commitAs} change`),
    );
    await withMounts([mount], async (id) => {
      // diff-files names every file whose index entry is not that of the file.
      expect(
        await output(client, id, 'cd shared && git diff-files && git status --porcelain && cat file deep/er/file'),
      ).toBe('onetwo');
      expect(
        await output(client, id, 'cd shared && git rm -rq deep && rm file && git status --porcelain && ls -A'),
      ).toBe('D  deep/er/file\n D file\n.git\n');
      const snapshot = await client.devboxes.snapshotDisk(id);
      await withBox(client, { snapshot_id: snapshot.id }, async (copy) => {
        expect(await output(client, copy.id, 'ls -A shared; git -C shared log --oneline | wc -l')).toBe('.git\n1\n');
      });
      await client.devboxes.diskSnapshots.delete(snapshot.id);
    });
  });

  it('stay in a box, its snapshots and its forks when what they share is kept no longer', async () => {
    makeRepository('ada/kept').commit({ file: 'one' });
    await withMounts([{ repo_owner: 'ada', repo_name: 'kept' }], async (id) => {
      await output(client, id, `cd kept && echo two > file && ${commitAs} two`);
      expect(await evictLayers(shared())).toBeGreaterThan(0);
      const words = 'cd kept && git log --format=%s && git status --porcelain && git fsck 2>&1 && cat file';
      const expected = 'two\nchange\ntwo\n';
      const snapshot = await client.devboxes.snapshotDisk(id);
      const { devboxes } = await client.post<object, { devboxes: { id: string }[] }>(`/v1/devboxes/${id}/fork`, {
        body: { count: 1, memory: false },
      });
      for (const fork of devboxes) {
        await client.devboxes.awaitRunning(fork.id);
        expect(await output(client, fork.id, words)).toBe(expected);
        await client.devboxes.shutdown(fork.id);
      }
      await withBox(client, { snapshot_id: snapshot.id }, async (copy) => {
        expect(await output(client, copy.id, words)).toBe(expected);
      });
      await client.devboxes.diskSnapshots.delete(snapshot.id);
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      await client.devboxes.resume(id);
      await client.devboxes.awaitRunning(id);
      expect(await output(client, id, words)).toBe(expected);
    });
    await withMounts([{ repo_owner: 'ada', repo_name: 'kept' }], async (id) => {
      expect(await output(client, id, 'cat kept/file && git -C kept status --porcelain')).toBe('one');
    });
  });

  it('use a token for what is private, and leave it nowhere', async () => {
    makeRepository('private/hidden').commit({ secret: 'plans' });
    const mount = { type: 'code_mount', repo_owner: 'private', repo_name: 'hidden', token: gitToken } as const;
    await withBox(client, { mounts: [mount], code_mounts: [] }, async (box) => {
      expect(await output(client, box.id, 'cat hidden/secret')).toBe('plans');
      // As an expression that the search itself does not match.
      const places = '/home /root /tmp /etc /var /proc/[0-9]*/environ /proc/[0-9]*/cmdline';
      expect(await output(client, box.id, `sudo grep -rlE 'tok[e]n-with.odd' ${places} 2>/dev/null | wc -l`)).toBe(
        '0\n',
      );
      expect(await output(client, box.id, 'cat hidden/.git/config')).not.toContain('token');
      const { logs } = await client.devboxes.logs.list(box.id);
      const setup = logs.filter(({ source }) => source === 'setup_commands');
      expect(JSON.stringify([box, setup])).not.toContain(gitToken);
    });
  });

  it('come in the older form too', async () => {
    makeRepository('ada/older').commit({ file: 'older' });
    await withBox(client, { code_mounts: [{ repo_owner: 'ada', repo_name: 'older' }] }, async ({ id }) => {
      expect(await output(client, id, 'cat /home/user/older/file')).toBe('older');
    });
  });

  it('end the box with a reason when they cannot be placed', async () => {
    makeRepository('ada/failing').commit({ file: 'x' });
    const one = { repo_owner: 'ada', repo_name: 'failing' };
    expect(await failure({ repo_owner: 'ada', repo_name: 'no-such' })).toContain('was not found');
    expect(await failure({ ...one, git_ref: 'no-such' })).toContain('no branch, tag or commit no-such');
    expect(await failure({ ...one, install_command: 'echo the last words; exit 7' })).toMatch(
      /code mount failing: install_command exited with 7: the last words/,
    );
    expect(await failure({ ...one, path: '/etc' })).toContain('is not empty');
    const denied = await failure({ repo_owner: 'private', repo_name: 'hidden', token: 'ghp_wrong' });
    expect(denied).toContain('was denied');
    expect(denied).not.toContain('ghp_wrong');
  });

  it.each([
    ['neither name nor URL', { repo_name: 'x' }],
    ['both', { repo_owner: 'a', repo_name: 'x', git_url: 'https://example.org/x' }],
    ['another protocol', { git_url: 'file:///etc' }],
    ['a ref that is an option', { repo_owner: 'a', repo_name: 'x', git_ref: '--upload-pack=x' }],
  ])('are refused with %s', async (_what, mount) => {
    const body = JSON.stringify({ mounts: [{ type: 'code_mount', ...mount }] });
    expect((await request('/v1/devboxes', { method: 'POST', body })).status).toBe(400);
  });
});
