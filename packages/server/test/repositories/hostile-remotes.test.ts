import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/repositories/addresses.ts';
import { locate } from '../../src/repositories/location.ts';
import { type Checkout, Repositories, type RepositoryWish } from '../../src/repositories/repositories.ts';
import { defaultRepositorySettings, type RepositorySettings } from '../../src/repositories/settings.ts';
import { type EvilServer, filesOf, startEvilServer } from './evil-server.ts';
import { type GitServer, gitToken, startGitServer } from './git-server.ts';

let server: GitServer;
const directories: string[] = [];
const evils: EvilServer[] = [];

beforeAll(async () => {
  server = await startGitServer();
});
afterEach(async () => {
  await Promise.all(evils.splice(0).map((evil) => evil.close()));
});
afterAll(async () => {
  await server.close();
  for (const directory of directories) {
    rmSync(directory, { recursive: true, force: true });
  }
});

const temporary = (name: string): string => {
  const directory = mkdtempSync(join(tmpdir(), name));
  directories.push(directory);
  return directory;
};

const start = async (...args: Parameters<typeof startEvilServer>): Promise<EvilServer> => {
  const evil = await startEvilServer(...args);
  evils.push(evil);
  return evil;
};

const open = (settings: Partial<RepositorySettings> = {}): Repositories => {
  const privateHosts = [server.host, ...evils.map(({ host }) => host)];
  const all = { ...defaultRepositorySettings, directory: temporary('mirrors-'), privateHosts, ...settings };
  return new Repositories(all, pino({ level: 'silent' }));
};

const { signal } = new AbortController();

const prepare = async (
  repositories: Repositories,
  url: string,
  wish: Partial<RepositoryWish> & { readonly token?: string } = {},
): Promise<readonly Checkout[]> => {
  const location = locate(url, wish.token, repositories.settings);
  const prepared = await repositories.prepare({ account: 'acc_1', location, submodules: false, ...wish }, signal);
  prepared.release();
  return prepared.checkouts;
};

describe('requests forged through a remote (SSRF)', () => {
  it.each([301, 302, 307, 308])('a redirect (%i) is not followed, and no credential goes along', async (status) => {
    const inner = await start((_request, response) => response.end('secret'));
    const evil = await start((request, response) =>
      response.writeHead(status, { location: `${inner.url}${request.url}` }).end(),
    );
    await expect(prepare(open(), `${evil.url}/a.git`, { token: gitToken })).rejects.toThrow(/redirect|30\d/i);
    expect(evil.requests.length).toBeGreaterThan(0);
    expect(inner.requests).toEqual([]);
  });

  it('a server of plain files cannot send git elsewhere for objects (http-alternates)', async () => {
    const repository = server.make('evil/alternates');
    const commit = repository.commit({ file: 'x' });
    const inner = await start((_request, response) => response.writeHead(404).end());
    const evil = await start(
      filesOf(temporary('empty-'), {
        '/info/refs': `${commit}\trefs/heads/main\n`,
        '/HEAD': 'ref: refs/heads/main\n',
        '/objects/info/http-alternates': `${inner.url}/objects\n`,
        '/objects/info/alternates': `${inner.url}/objects\n`,
      }),
    );
    await expect(prepare(open(), `${evil.url}/a.git`)).rejects.toThrow();
    expect(evil.requests).toContain('/a.git/objects/info/http-alternates');
    expect(inner.requests).toEqual([]);
  });

  it.each([
    'file:///etc',
    'ext::sh -c true',
    'ssh://localhost/a',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/a',
    'http://[::ffff:127.0.0.1]/a',
    'http://0x7f.1/a',
  ])('a submodule is not fetched from %s', async (url) => {
    const repository = server.make(`evil/sub-${Buffer.from(url).toString('hex')}`);
    const commit = repository.commit({ file: 'x' });
    repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},inner`);
    writeFileSync(join(repository.directory, '.gitmodules'), `[submodule "x"]\n\tpath = inner\n\turl = ${url}\n`);
    repository.git('add', '.gitmodules');
    repository.git('commit', '--quiet', '-m', 'submodule');
    repository.push();
    const path = `${server.url}/evil/sub-${Buffer.from(url).toString('hex')}.git`;
    await expect(prepare(open(), path, { submodules: true })).rejects.toThrow(
      /protocol|private network|SSH|given as a URL/,
    );
  });

  it('addresses of this machine are closed, though they be public', () => {
    const address = { netmask: '', mac: '', internal: false, cidr: null } as const;
    const own = {
      wan: [
        { ...address, family: 'IPv4', address: '203.0.113.5' },
        { ...address, family: 'IPv6', address: '2a01:db8::5', scopeid: 0 },
      ],
    } as const;
    const mutable = structuredClone(own) as unknown as Parameters<typeof isPublicAddress>[1];
    expect(['203.0.113.5', '2a01:db8::5'].map((each) => isPublicAddress(each, mutable))).toEqual([false, false]);
    expect(['203.0.113.6', '2a01:db8::6'].map((each) => isPublicAddress(each, mutable))).toEqual([true, true]);
    expect(['::10.0.0.1', '2001::1', 'fec0::1', '::ffff:10.0.0.1'].map((each) => isPublicAddress(each))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('files of this machine, read through a remote', () => {
  it('.gitmodules includes no file, and tells of none', async () => {
    const secret = join(temporary('secret-'), 'settings');
    const inner = server.make('evil/included');
    inner.commit({ file: 'x' });
    writeFileSync(secret, `[submodule "x"]\n\tpath = inner\n\turl = ${server.url}/evil/included.git\n`);
    const repository = server.make('evil/include');
    const commit = repository.commit({ file: 'x' });
    repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},inner`);
    for (const included of [secret, '/etc/hostname', '/dev/zero']) {
      writeFileSync(join(repository.directory, '.gitmodules'), `[include]\n\tpath = ${included}\n`);
      repository.git('add', '.gitmodules');
      repository.git('commit', '--quiet', '-m', 'include');
      repository.push();
      const checkouts = await prepare(open(), `${server.url}/evil/include.git`, { submodules: true });
      expect(checkouts.map(({ path }) => path)).toEqual(['']);
    }
  });
});

describe('more than there is room for', () => {
  it('a remote that lists endless branches is refused', async () => {
    const line = (number: number): string => `${'a'.repeat(40)}\trefs/heads/${'x'.repeat(200)}${number}\n`;
    const refs = Array.from({ length: 80_000 }, (_, number) => line(number)).join('');
    const evil = await start(filesOf(temporary('empty-'), { '/info/refs': refs, '/HEAD': 'ref: refs/heads/main\n' }));
    await expect(prepare(open(), `${evil.url}/a.git`)).rejects.toThrow('too many branches');
  });

  it('many packs, each within the bound of a file, are refused, and nothing of them is kept', async () => {
    const repository = server.make('evil/packs');
    const bare = join(server.root, 'served/evil/packs.git');
    execFileSync('git', ['--git-dir', bare, 'config', 'receive.unpackLimit', '1']);
    for (let pack = 0; pack < 4; pack += 1) {
      repository.commit({ [`noise-${pack}`]: randomBytes(500_000) });
    }
    execFileSync('git', ['--git-dir', bare, 'update-server-info']);
    const evil = await start(filesOf(join(server.root, 'served')));
    const repositories = open({ repositoryBytes: 1_000_000 });
    await expect(prepare(repositories, `${evil.url}/evil/packs.git`)).rejects.toThrow('larger than 1000000');
    expect(readdirSync(repositories.settings.directory)).toEqual([]);
  });

  it('submodules of submodules are counted together', async () => {
    const repository = server.make('evil/tree');
    const each = Array.from({ length: 43 }, (_, number) => `inner-${number}`);
    const url = `${server.url}/evil/tree.git`;
    let commit = repository.commit({ file: 'leaf' });
    const modules = each.map((path) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`).join('');
    writeFileSync(join(repository.directory, '.gitmodules'), modules);
    repository.git('add', '.gitmodules');
    for (let level = 0; level < 3; level += 1) {
      const links = each.flatMap((path) => ['--cacheinfo', `160000,${commit},${path}`]);
      repository.git('update-index', '--add', ...links);
      repository.git('commit', '--quiet', '-m', 'level');
      commit = repository.git('rev-parse', 'HEAD').trim();
    }
    repository.push();
    await expect(prepare(open(), url, { submodules: true })).rejects.toThrow('more than 128 submodules');
  });
});

describe('one account against another', () => {
  it('remotes that never answer hold up their own account only', { timeout: 60_000 }, async () => {
    const silent = await start(() => undefined);
    server.make('ada/quick').commit({ file: 'x' });
    const repositories = open();
    const given = new AbortController();
    const hung = Array.from({ length: 8 }, (_, number) => {
      const location = locate(`${silent.url}/${number}.git`, undefined, repositories.settings);
      const wish = { account: 'acc_evil', location, submodules: false };
      return repositories.prepare(wish, given.signal).catch((error: unknown) => error);
    });
    const url = `${server.url}/ada/quick.git`;
    const rivals = ['acc_evil', 'acc_2'].map((account) => {
      const wish = { account, location: { url }, submodules: false };
      return repositories.prepare(wish, given.signal).catch((error: unknown) => error);
    });
    expect(await rivals[1]).toMatchObject({ checkouts: [{ branch: 'main' }] });
    const reason = new Error('given up');
    given.abort(reason);
    expect(new Set(await Promise.all([...hung, rivals[0]]))).toEqual(new Set([reason]));
    // All places are free again.
    expect(await prepare(repositories, url, { account: 'acc_evil' })).toHaveLength(1);
  });
});

describe('malformed URLs', () => {
  it.each(['https://a%ZZ@example.org/a', 'https://u:%E0%A4%A@example.org/a', 'https://example.org/%ZZ'])(
    'are refused by name: %s',
    (url) => {
      expect(() => locate(url, undefined, open().settings)).toThrow('percent sign');
    },
  );
});
