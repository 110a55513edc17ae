import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locate } from '../../src/repositories/location.ts';
import { type Checkout, Repositories, type RepositoryWish } from '../../src/repositories/repositories.ts';
import { defaultRepositorySettings, type RepositorySettings } from '../../src/repositories/settings.ts';
import { type GitServer, gitToken, startGitServer } from './git-server.ts';

let server: GitServer;
const directories: string[] = [];

beforeAll(async () => {
  server = await startGitServer();
});
afterAll(async () => {
  await server.close();
  for (const directory of directories) {
    rmSync(directory, { recursive: true, force: true });
  }
});

const open = (settings: Partial<RepositorySettings> = {}): Repositories => {
  const directory = mkdtempSync(join(tmpdir(), 'mirrors-'));
  directories.push(directory);
  const all = { ...defaultRepositorySettings, directory, privateHosts: [server.host], ...settings };
  return new Repositories(all, pino({ level: 'silent' }));
};

const { signal } = new AbortController();

const prepare = async (
  repositories: Repositories,
  path: string,
  wish: Partial<RepositoryWish> & { readonly token?: string } = {},
): Promise<readonly Checkout[]> => {
  const location = locate(`${server.url}/${path}.git`, wish.token, repositories.settings);
  const prepared = await repositories.prepare({ account: 'acc_1', location, submodules: false, ...wish }, signal);
  prepared.release();
  return prepared.checkouts;
};

const first = async (...args: Parameters<typeof prepare>): Promise<Checkout> => {
  const [checkout] = await prepare(...args);
  if (checkout === undefined) {
    throw new Error('nothing was prepared');
  }
  return checkout;
};

/** What a pack holds is what git makes of it. */
const contentOf = (checkout: Checkout, object: string): string => {
  const repository = mkdtempSync(join(tmpdir(), 'unpacked-'));
  directories.push(repository);
  const git = (...args: string[]) => execFileSync('git', ['--git-dir', repository, ...args], { encoding: 'utf8' });
  git('init', '--quiet', '--bare', repository);
  for (const { path, name } of checkout.packs) {
    for (const kind of ['pack', 'idx']) {
      execFileSync('cp', [`${path}.${kind}`, join(repository, 'objects/pack', `${name}.${kind}`)]);
    }
  }
  if (checkout.shallow !== '') {
    writeFileSync(join(repository, 'shallow'), checkout.shallow);
  }
  return git('show', object);
};

describe('what is prepared', () => {
  it('is the default branch, or the branch, tag or commit that is named', async () => {
    const repository = server.make('ada/names');
    const one = repository.commit({ file: 'one' });
    repository.git('tag', '-a', 'v1', '-m', 'first');
    repository.git('checkout', '--quiet', '-b', 'topic/x');
    const two = repository.commit({ file: 'two' });
    repository.git('checkout', '--quiet', 'main');
    const three = repository.commit({ file: 'three' });
    const repositories = open();
    expect(await first(repositories, 'ada/names')).toMatchObject({
      commit: three,
      branch: 'main',
      defaultBranch: 'main',
    });
    expect(await first(repositories, 'ada/names', { ref: 'topic/x' })).toMatchObject({
      commit: two,
      branch: 'topic/x',
    });
    expect(await first(repositories, 'ada/names', { ref: 'v1' })).toMatchObject({ commit: one, branch: undefined });
    const at = await first(repositories, 'ada/names', { ref: one });
    expect(at).toMatchObject({ commit: one, branch: undefined });
    expect(contentOf(at, `${two}:file`)).toBe('two');
    expect(at.packedRefs).toContain(`${two} refs/remotes/origin/topic/x\n`);
    expect(at.packedRefs).toMatch(new RegExp(`refs/tags/v1\n\\^${one}\n`));
    await expect(prepare(repositories, 'ada/names', { ref: 'nothing' })).rejects.toThrow(
      'no branch, tag or commit nothing',
    );
    await expect(prepare(repositories, 'ada/names', { ref: 'f'.repeat(40) })).rejects.toThrow('no such commit');
  });

  it('is fetched once; later only what is new, and what went away is gone', async () => {
    const repository = server.make('ada/again');
    repository.commit({ file: 'one' });
    repository.git('branch', 'passing');
    repository.push();
    const repositories = open();
    await prepare(repositories, 'ada/again');
    const packRequests = () => server.requests.filter((request) => request.startsWith('POST /ada/again.git')).length;
    const [before, packsBefore] = [packRequests(), (await first(repositories, 'ada/again')).packs.length];
    // One request that lists the branches, and nothing more.
    expect(packRequests() - before).toBe(1);
    repository.git('push', '--quiet', 'origin', ':passing');
    repository.git('branch', '-D', 'passing');
    const next = repository.commit({ file: 'two' });
    const after = await first(repositories, 'ada/again');
    expect(after.commit).toBe(next);
    expect(after.packs.length).toBe(packsBefore + 1);
    expect(after.packedRefs).not.toContain('passing');
    repository.git('commit', '--quiet', '--amend', '-m', 'rewritten');
    repository.push();
    expect((await first(repositories, 'ada/again')).commit).toBe(repository.git('rev-parse', 'HEAD').trim());
  });

  it('has a commit that no branch leads to any more', async () => {
    const repository = server.make('ada/orphan');
    repository.commit({ file: 'one' });
    const lost = repository.commit({ file: 'lost' });
    const repositories = open();
    repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    repository.push();
    await prepare(repositories, 'ada/orphan');
    const at = await first(repositories, 'ada/orphan', { ref: lost });
    expect(contentOf(at, `${lost}:file`)).toBe('lost');
  });

  it('may be shallow', async () => {
    const repository = server.make('ada/shallow');
    repository.commit({ file: 'one' });
    const two = repository.commit({ file: 'two' });
    const three = repository.commit({ file: 'three' });
    const repositories = open();
    const tip = await first(repositories, 'ada/shallow', { depth: 2 });
    expect(tip).toMatchObject({ commit: three, shallow: `${two}\n`, branch: 'main' });
    expect(contentOf(tip, `${three}:file`)).toBe('three');
    const at = await first(repositories, 'ada/shallow', { depth: 1, ref: two });
    expect(at).toMatchObject({ commit: two, shallow: `${two}\n` });
    const posts = server.requests.length;
    await prepare(repositories, 'ada/shallow', { depth: 2 });
    expect(server.requests.length - posts).toBe(2);
  });

  it('brings repositories within it, by relative and absolute URLs, levels deep', async () => {
    const [leaf, middle, outer] = [server.make('ada/leaf'), server.make('ada/middle'), server.make('bob/outer')];
    const inLeaf = leaf.commit({ leaf: 'leaf' });
    leaf.commit({ leaf: 'newer' });
    middle.git('submodule', '--quiet', 'add', '--name', 'odd name', `${leaf.directory}`, 'deep/leaf');
    middle.git('-C', 'deep/leaf', 'checkout', '--quiet', inLeaf);
    const inMiddle = middle.commit({
      '.gitmodules': `[submodule "odd name"]\n\tpath = deep/leaf\n\turl = ../leaf.git\n`,
    });
    outer.git('submodule', '--quiet', 'add', `${middle.directory}`, 'middle');
    outer.commit({ '.gitmodules': `[submodule "m"]\n\tpath = middle\n\turl = ${server.url}/ada/middle.git\n` });
    for (const depth of [undefined, 1]) {
      const checkouts = await prepare(open(), 'bob/outer', { submodules: true, depth });
      expect(checkouts.map(({ path, commit }) => [path, commit]).slice(1)).toEqual([
        ['middle', inMiddle],
        ['middle/deep/leaf', inLeaf],
      ]);
    }
    expect(await prepare(open(), 'bob/outer')).toHaveLength(1);
  });
});

describe('who may', () => {
  it('needs the token for what is private, each account its own', async () => {
    const commit = server.make('private/secret').commit({ file: 'x' });
    const repositories = open();
    await expect(prepare(repositories, 'private/secret')).rejects.toThrow('access to');
    await expect(prepare(repositories, 'private/secret', { token: 'wrong' })).rejects.toThrow('was denied');
    expect((await first(repositories, 'private/secret', { token: gitToken })).commit).toBe(commit);
    // What one account has fetched serves no other, and not without the token.
    await expect(prepare(repositories, 'private/secret')).rejects.toThrow('was denied');
    await prepare(repositories, 'private/secret', { token: gitToken, account: 'acc_2' });
    expect(readdirSync(repositories.settings.directory)).toHaveLength(2);
    const search = spawnSync('grep', ['-rlaF', gitToken, repositories.settings.directory], { encoding: 'utf8' });
    expect([search.status, search.stdout]).toEqual([1, '']);
  });

  it('says what was not found without the token in it', async () => {
    const failure = await prepare(open(), 'private/absent', { token: gitToken }).catch((error: Error) => error.message);
    expect(failure).toContain('was not found');
    expect(failure).not.toContain(gitToken);
  });

  it('does not tell the token to a submodule elsewhere', async () => {
    const other = await startGitServer();
    try {
      const [inner, outer] = [other.make('ada/inner'), server.make('private/outer')];
      inner.commit({ file: 'x' });
      outer.git('submodule', '--quiet', 'add', inner.directory, 'inner');
      outer.commit({ '.gitmodules': `[submodule "i"]\n\tpath = inner\n\turl = ${other.url}/ada/inner.git\n` });
      const repositories = open({ privateHosts: [server.host, other.host] });
      await prepare(repositories, 'private/outer', { token: gitToken, submodules: true });
      expect(other.requests.length).toBeGreaterThan(0);
      expect(other.requests.filter((request) => request.includes('credential'))).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('hostile remotes', () => {
  it.each([
    ['ext::sh -c touch% /tmp/x', 'ext'],
    ['file:///etc', 'file'],
    ['git@github.com:a/b.git', 'SSH'],
    ['ssh://git@github.com/a/b.git', 'ssh'],
    ['/etc', 'URL'],
    ['--upload-pack=x', 'URL'],
  ])('are not asked over %s', (url, problem) => {
    expect(() => locate(url, undefined, open().settings)).toThrow(problem);
  });

  it('are not asked in private networks, by name or address', async () => {
    server.make('ada/near').commit({ file: 'x' });
    const closed = open({ privateHosts: [] });
    await expect(prepare(closed, 'ada/near')).rejects.toThrow('private network');
    for (const url of [
      'http://localhost/a',
      'http://169.254.169.254/a',
      'http://[::1]/a',
      'http://[::ffff:10.0.0.1]/a',
    ]) {
      const wish = { account: 'a', location: { url }, submodules: false };
      await expect(closed.prepare(wish, signal)).rejects.toThrow('private network');
    }
  });

  it('get no token over http', () => {
    expect(() => locate('http://example.org/a', 'token', open().settings)).toThrow('https only');
    expect(() => locate('http://user:token@example.org/a', undefined, open().settings)).toThrow('https only');
    expect(locate('https://user:pass%20word@example.org/a#x', undefined, open().settings)).toEqual({
      url: 'https://example.org/a',
      credential: { username: 'user', password: 'pass word' },
    });
  });

  it.each(['../out', 'a/../../out', '.git/hooks', '/etc', 'a/.GIT/x', '-x'])(
    'cannot place a submodule at %s',
    async (path) => {
      const repository = server.make(`evil/${Buffer.from(path).toString('hex')}`);
      const commit = repository.commit({ file: 'x' });
      repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path.startsWith('.') ? 'x' : 'y'}`);
      repository.commit({ '.gitmodules': `[submodule "x"]\n\tpath = ${path}\n\turl = ${server.url}/ada/names.git\n` });
      const name = Buffer.from(path).toString('hex');
      await expect(prepare(open(), `evil/${name}`, { submodules: true })).rejects.toThrow('outside the repository');
    },
  );

  it('cannot bring more than is allowed', async () => {
    server.make('evil/large').commit({ noise: randomBytes(3_000_000) });
    await expect(prepare(open({ repositoryBytes: 1_000_000 }), 'evil/large')).rejects.toThrow('larger than');
  });

  it('cannot keep git for ever', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const repositories = open({ privateHosts: [`127.0.0.1:${port}`], timeoutMs: 500 });
    const wish = { account: 'a', location: { url: `http://127.0.0.1:${port}/a.git` }, submodules: false };
    await expect(repositories.prepare(wish, signal)).rejects.toThrow('took longer');
    silent.close();
  });
});

describe('the mirrors', () => {
  it('are used by many at once', async () => {
    server.make('ada/many').commit({ file: 'x' });
    const repositories = open();
    const all = await Promise.all(Array.from({ length: 12 }, () => first(repositories, 'ada/many')));
    expect(new Set(all.map(({ commit }) => commit)).size).toBe(1);
    expect(readdirSync(repositories.settings.directory)).toHaveLength(1);
  });

  it('stay within their bound, the least recently used gone first, those in use kept', async () => {
    const names = ['ada/room-1', 'ada/room-2', 'ada/room-3'];
    for (const name of names) {
      server.make(name).commit({ noise: randomBytes(300_000) });
    }
    const repositories = open({ cacheBytes: 700_000 });
    const { directory } = repositories.settings;
    const [one = '', two = ''] = names;
    const location = { url: `${server.url}/${one}.git` };
    const held = await repositories.prepare({ account: 'a', location, submodules: false }, signal);
    const [oldest = ''] = readdirSync(directory);
    await prepare(repositories, two);
    for (const name of readdirSync(directory)) {
      utimesSync(join(directory, name), 1, name === oldest ? 1 : 2);
    }
    await prepare(repositories, names[2] ?? '');
    // The oldest is being read: the next one went.
    expect(readdirSync(directory)).toHaveLength(2);
    expect(readdirSync(directory)).toContain(oldest);
    held.release();
  });

  it('are made anew when they are damaged, or were left half made', async () => {
    const repository = server.make('ada/broken');
    repository.commit({ file: 'x' });
    const repositories = open();
    await prepare(repositories, 'ada/broken');
    const [name = ''] = readdirSync(repositories.settings.directory);
    const commit = repository.commit({ file: 'y' });
    // As git killed amid a fetch leaves it.
    writeFileSync(join(repositories.settings.directory, name, 'refs/heads/main.lock'), '');
    writeFileSync(join(repositories.settings.directory, name, 'packed-refs.lock'), '');
    expect((await first(repositories, 'ada/broken')).commit).toBe(commit);
  });

  it('let go of git when the wish is given up', async () => {
    const repository = server.make('ada/given-up');
    repository.commit({ file: 'x' });
    const given = new AbortController();
    given.abort(new Error('given up'));
    const location = { url: `${server.url}/ada/given-up.git` };
    await expect(open().prepare({ account: 'a', location, submodules: false }, given.signal)).rejects.toThrow(
      'given up',
    );
  });
});
