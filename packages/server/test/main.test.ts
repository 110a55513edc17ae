import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootstrap } from '../src/bootstrap.ts';
import { createMasterKey } from '../src/secrets/master-key.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let directory: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'berth-main-'));
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  children.clear();
  await database.drop();
  await rm(directory, { recursive: true });
});

const start = (entry: string, environment: Record<string, string>) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))], {
    env: { PATH: process.env.PATH ?? '', BERTH_STATE: directory, DATABASE_URL: database.url, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, ended };
};

const allowed = { BERTH_ALLOW_ROOT: '1', BERTH_PORT: '0' };

describe('the server process', () => {
  it('serves until it is told to stop, also while the host is away', async () => {
    const masterKeyFile = join(directory, 'master.key');
    const { apiKey } = await bootstrap({ databaseUrl: database.url, masterKeyFile });
    const server = start('main.ts', { ...allowed, BERTH_MASTER_KEY_FILE: masterKeyFile });
    await expect.poll(() => server.output.stderr, { timeout: 15_000 }).toContain('"listening"');
    const port = /"port":(\d+)/.exec(server.output.stderr)?.[1];
    const baseUrl = `http://127.0.0.1:${port}`;
    expect((await fetch(`${baseUrl}/healthz`)).status).toBe(200);
    const me = await fetch(`${baseUrl}/v1/accounts/me`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect(me.status).toBe(200);
    const unready = await fetch(`${baseUrl}/readyz`);
    expect(unready.status).toBe(503);
    expect(await unready.text()).toContain('host');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(server.output.stderr).toContain('"stopped"');
    expect(server.output.stderr).not.toContain(apiKey);
  });

  it('says what is missing', async () => {
    const server = start('main.ts', allowed);
    expect(await server.ended).toBe(1);
    expect(server.output.stderr).toContain('master.key');
  });

  it('ends with a clear message when its port is taken', async () => {
    const masterKeyFile = join(directory, 'master.key');
    await createMasterKey(masterKeyFile);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const server = start('main.ts', { ...allowed, BERTH_PORT: String(port), BERTH_MASTER_KEY_FILE: masterKeyFile });
    expect(await server.ended).toBe(1);
    expect(server.output.stderr).toContain(`port ${port} on 127.0.0.1 is in use`);
    other.close();
  });

  it('refuses a configuration that does not fit', async () => {
    const server = start('main.ts', { ...allowed, BERTH_PORT: 'many' });
    expect(await server.ended).toBe(1);
    expect(server.output.stderr).toBe('berth server: BERTH_PORT: must be a port number\n');
  });

  it.runIf(process.getuid?.() === 0)('refuses to run as root', async () => {
    const server = start('main.ts', { BERTH_PORT: '0' });
    expect(await server.ended).toBe(1);
    expect(server.output.stderr).toContain('refuses to run as root');
  });
});

describe('the bootstrap process', () => {
  it('prints one line of JSON with the key', async () => {
    const environment = { ...allowed, BERTH_MASTER_KEY_FILE: join(directory, 'master.key') };
    const first = start('bootstrap.ts', environment);
    expect(await first.ended).toBe(0);
    expect(JSON.parse(first.output.stdout).apiKey).toMatch(/^ak_/);
    const second = start('bootstrap.ts', environment);
    expect(await second.ended).toBe(0);
    expect(JSON.parse(second.output.stdout)).not.toHaveProperty('apiKey');
  });
});
