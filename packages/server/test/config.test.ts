import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, socketDatabaseUrl } from '../src/config/config.ts';
import { refuseRoot } from '../src/config/privileges.ts';

describe('the configuration', () => {
  it('says where repositories come from, and how much of them', () => {
    const given = {
      BERTH_GITHUB_URL: 'https://git.example',
      BERTH_GIT_PRIVATE_HOSTS: 'git.internal, 10.1.2.3:8443',
      BERTH_GIT_PROTOCOLS: 'https git',
      BERTH_GIT_CACHE_BYTES: '1000',
      BERTH_GIT_REPOSITORY_BYTES: '100',
    };
    expect(readConfig(given).repositories).toEqual({
      directory: '/var/lib/berth/server/repositories',
      githubUrl: 'https://git.example',
      privateHosts: ['git.internal', '10.1.2.3:8443'],
      protocols: ['https', 'git'],
      cacheBytes: 1000,
      repositoryBytes: 100,
    });
    expect(() => readConfig({ BERTH_GIT_PROTOCOLS: 'ext' })).toThrow('BERTH_GIT_PROTOCOLS');
    expect(() => readConfig({ BERTH_GITHUB_URL: 'github.com' })).toThrow('BERTH_GITHUB_URL');
  });

  it('follows from the state directory alone', () => {
    expect(readConfig({ BERTH_STATE: '/srv/b' })).toEqual({
      stateDirectory: '/srv/b',
      port: 8080,
      listenAddress: '127.0.0.1',
      hostSocket: '/srv/b/run/host.sock',
      databaseUrl: 'postgres://berth@localhost/berth?host=%2Fsrv%2Fb%2Frun%2Fpostgres',
      masterKeyFile: '/srv/b/server/master.key',
      repositories: { directory: '/srv/b/server/repositories' },
      isolation: 'container',
      admission: {},
      blueprints: {},
      objects: { blobs: '/srv/b/server/objects' },
      logLevel: 'info',
    });
  });

  it('has defaults, also for variables that are empty', () => {
    expect(readConfig({ BERTH_STATE: '', BERTH_PORT: '' })).toMatchObject({
      stateDirectory: '/var/lib/berth',
      port: 8080,
    });
  });

  it('takes each variable', () => {
    const given = {
      BERTH_PORT: '9000',
      BERTH_LISTEN: '0.0.0.0',
      BERTH_HOST_SOCKET: '/run/h.sock',
      DATABASE_URL: 'postgresql://u:p@db/x',
      BERTH_MASTER_KEY_FILE: '/etc/key',
      BERTH_ISOLATION: 'gvisor',
      BERTH_MEMORY_OVERCOMMIT: '1',
      BERTH_DISK_OVERCOMMIT: '2.5',
      BERTH_PARALLEL_STARTS: '4',
      BERTH_EVICTION_NOTICE_SECONDS: '10',
      BERTH_SUSPENDED_TTL_HOURS: '24',
      BERTH_BUILD_MINUTES: '30',
      BERTH_BUILD_CPUS: '0.5',
      BERTH_BUILD_MEMORY_GIB: '2',
      BERTH_BUILD_DISK_GIB: '10',
      BERTH_QUOTAS: '{"*":{"running":5},"acc_1":{"snapshots":2}}',
      BERTH_BLOBS: 's3://bucket/prefix?region=x',
      BERTH_MAX_OBJECT_BYTES: '100000000000',
      BERTH_PUBLIC_URL: 'https://berth.example',
      BERTH_DOOR_ADDRESS: '10.64.0.1',
      BERTH_LOG_LEVEL: 'debug',
    };
    expect(readConfig(given)).toMatchObject({
      port: 9000,
      listenAddress: '0.0.0.0',
      hostSocket: '/run/h.sock',
      databaseUrl: 'postgresql://u:p@db/x',
      masterKeyFile: '/etc/key',
      isolation: 'gvisor',
      admission: {
        memoryOvercommit: 1,
        diskOvercommit: 2.5,
        parallelStarts: 4,
        evictionNoticeMs: 10_000,
        quotas: { '*': { running: 5 }, acc_1: { snapshots: 2 } },
      },
      blueprints: {
        limits: { timeoutMs: 1_800_000, cpus: 0.5, memoryBytes: 2 * 1024 ** 3, diskBytes: 10 * 1024 ** 3 },
      },
      suspendedTtlMs: 24 * 3_600_000,
      objects: {
        blobs: 's3://bucket/prefix?region=x',
        maximumBytes: 100_000_000_000,
        publicUrl: 'https://berth.example',
        doorAddress: '10.64.0.1',
      },
      logLevel: 'debug',
    });
  });

  it.each([
    [{ BERTH_PORT: '70000' }, 'BERTH_PORT'],
    [{ BERTH_QUOTAS: '{' }, 'BERTH_QUOTAS: must be JSON'],
    [{ BERTH_QUOTAS: '{"*":{"runing":1}}' }, 'BERTH_QUOTAS'],
    [{ BERTH_MEMORY_OVERCOMMIT: '0' }, 'BERTH_MEMORY_OVERCOMMIT'],
    [{ BERTH_PARALLEL_STARTS: '1.5' }, 'BERTH_PARALLEL_STARTS'],
    [{ BERTH_PORT: 'http' }, 'BERTH_PORT: must be a port number'],
    [{ BERTH_STATE: 'relative' }, 'BERTH_STATE: must be an absolute path'],
    [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL: must start with postgres://'],
    [{ BERTH_BLOBS: 'relative' }, 'BERTH_BLOBS'],
    [{ BERTH_BLOBS: 's3://' }, 'BERTH_BLOBS'],
    [{ BERTH_PUBLIC_URL: 'ftp://x' }, 'BERTH_PUBLIC_URL'],
    [{ BERTH_LOG_LEVEL: 'loud' }, 'BERTH_LOG_LEVEL'],
    [{ BERTH_STATE: `/${'x'.repeat(120)}` }, 'choose a shorter BERTH_STATE'],
    [{ BERTH_HOST_SOCKET: `/${'x'.repeat(120)}` }, 'BERTH_HOST_SOCKET'],
  ])('refuses %j and says which variable is wrong', (environment, message) => {
    expect(() => readConfig(environment)).toThrow(ConfigError);
    expect(() => readConfig(environment)).toThrow(message);
  });

  it('names all that is wrong at once', () => {
    expect(() => readConfig({ BERTH_PORT: 'x', BERTH_LOG_LEVEL: 'y' })).toThrow(/BERTH_PORT.*\n.*BERTH_LOG_LEVEL/);
  });

  it('keeps odd characters of a socket directory', () => {
    const url = new URL(socketDatabaseUrl('/a b/&c'));
    expect(url.searchParams.get('host')).toBe('/a b/&c');
  });
});

describe('privileges', () => {
  it('refuses root unless it is allowed', () => {
    expect(() => refuseRoot({}, 0)).toThrow(/root/);
    expect(() => refuseRoot({ BERTH_ALLOW_ROOT: '0' }, 0)).toThrow(/root/);
    expect(() => refuseRoot({ BERTH_ALLOW_ROOT: '1' }, 0)).not.toThrow();
    expect(() => refuseRoot({}, 1000)).not.toThrow();
  });
});
