import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildHost } from './builds/build-host.ts';
import { listenAnywhere, machineAddress, Registry } from './builds/registry.ts';
import { testPackages } from './builds/test-packages.ts';
import { programs } from './local-harness.ts';
import { patienceMs } from './patience.ts';

const isPossible = typeof programs !== 'string' && testPackages !== undefined;

describe.skipIf(!isPossible)('images of a registry', { timeout: patienceMs(120_000) }, () => {
  const address = isPossible ? machineAddress() : '';
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let directory = '';
  let registry: Registry | undefined;
  let [open, closed, garbage, slow, down] = ['', '', '', '', ''];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'br-'));
    registry = await Registry.start(testPackages ?? '');
    const nonsense = await listenAnywhere((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.end('HTTP/1.1 200 OK\r\n\r\n<html>');
    });
    const mute = await listenAnywhere((socket) => sockets.add(socket.on('error', () => undefined)));
    const gone = await listenAnywhere(() => undefined);
    gone.server.close();
    servers.push(nonsense.server, mute.server);
    const ports = [registry.openPort, registry.closedPort, nonsense.port, mute.port, gone.port];
    [open = '', closed = '', garbage = '', slow = '', down = ''] = ports.map((port) => `${address}:${port}`);
    const insecure = [open, closed, garbage, slow, down].map(
      (at) => `[[registry]]\nlocation = "${at}"\ninsecure = true\n`,
    );
    const mirrors = [
      `[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${open}"\ninsecure = true\n`,
      `[[registry]]\nprefix = "tools.example/all"\nlocation = "${open}/team"\ninsecure = true\n`,
    ];
    const text = ['unqualified-search-registries = ["docker.io"]\n', ...insecure, ...mirrors];
    await writeFile(join(directory, 'registries.conf'), text.join(''));
    await writeFile(join(directory, 'auth.json'), '{}');
  }, patienceMs(120_000));

  const builds = new BuildHost(({ builds: settings }) => ({
    builds: {
      ...settings,
      bases: 'registry',
      registriesFile: join(directory, 'registries.conf'),
      registriesAuthFile: join(directory, 'auth.json'),
      privateRegistries: [open, closed, garbage, slow, down],
      pullTimeoutMs: 12_000,
    },
  }));

  afterAll(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    for (const server of servers) {
      server.close();
    }
    await registry?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const from = async (name: string, more = '') => builds.build(`FROM ${name}\nRUN cat /from; echo $ORIGIN${more}`);

  it('are found by name, by digest, through a mirror, and under another name; the next build has them in its cache', async () => {
    const names = [
      `${open}/team/base:1`,
      `${open}/team/base@${registry?.digest}`,
      'special:1',
      'docker.io/library/special:1',
      'tools.example/all/base:1',
    ];
    for (const name of names) {
      const { state, text } = await from(name);
      expect(state.phase, `${name}: ${text}`).toBe('complete');
      expect(state.image?.environment).toMatchObject({ ORIGIN: 'registry' });
      expect(state.image?.standIn).toBeUndefined();
    }
    const again = await from(`${open}/team/base:1`, '; true');
    expect(again.state.phase).toBe('complete');
    expect(again.text).toContain('the registry');
    const copied = await builds.image(
      `FROM berth:base\nCOPY --from=${open}/team/base:1 /from /copied\nRUN cat /copied`,
    );
    expect(copied.text).toContain('the registry');
  });

  it('that no registry has, or only for those who log in, fail with the reason', async () => {
    expect((await from(`${open}/team/none:1`)).state).toMatchObject({
      failure: 'base_unavailable',
      detail: expect.stringMatching(/manifest unknown/),
    });
    const wrong = `sha256:${'0'.repeat(64)}`;
    expect((await from(`${open}/team/base@${wrong}`)).state).toMatchObject({ failure: 'base_unavailable' });
    expect((await from(`${closed}/team/base:1`)).state).toMatchObject({
      failure: 'base_unavailable',
      detail: expect.stringContaining('BERTH_REGISTRIES_AUTH'),
    });
    const auth = Buffer.from('reader:let-me-in').toString('base64');
    await writeFile(join(directory, 'auth.json'), JSON.stringify({ auths: { [closed]: { auth } } }));
    const allowed = await from(`${closed}/team/base:1`, '; cat /etc/containers/auth.json 2>&1; env');
    expect(allowed.state.phase, allowed.text).toBe('complete');
    expect(allowed.text).not.toContain(auth);
  });

  it('of a registry that is down, silent, or talks nonsense, fail with the reason', async () => {
    expect((await from(`${down}/team/base:1`)).state).toMatchObject({
      failure: 'base_unavailable',
      detail: expect.stringMatching(/connection (refused|reset).*BERTH_PRIVATE_REGISTRIES/),
    });
    expect((await from(`${slow}/team/base:1`)).state).toMatchObject({
      failure: 'base_unavailable',
      detail: expect.stringContaining('slow or silent'),
    });
    const { state } = await from(`${garbage}/team/base:1`);
    expect(state).toMatchObject({ failure: 'base_unavailable' });
    expect(state.detail).not.toBe('');
  });
});
