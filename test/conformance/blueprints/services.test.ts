import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output } from '../../platform/boxes.ts';
import { rawClient, sdkClient } from '../../platform/clients.ts';
import { built } from './blueprints.ts';

const client = rawClient('http2');
const sdk = sdkClient('http2');

/** Serves its directory, which is on its own disk, and can be told to take memory. */
const program = [
  'import http.server, os',
  'class Handler(http.server.SimpleHTTPRequestHandler):',
  '    def do_GET(self):',
  '        if self.path == "/grow":',
  '            held = bytearray(os.urandom(1 << 20)) * 4096',
  '        self.send_response(200)',
  '        self.end_headers()',
  '        visits = open("/visits", "a+")',
  '        visits.write("x")',
  '        visits.seek(0)',
  '        self.wfile.write(f"{os.environ[\'OWNER\']} {os.getuid()} {len(visits.read())}".encode())',
  'http.server.ThreadingHTTPServer(("127.0.0.1", 5432), Handler).serve_forever()',
].join('\n');
const ask = 'python3 -c "import urllib.request as r; print(r.urlopen(\'http://localhost:5432/\').read().decode())"';

/** Services share the network of their box, which only the grade `container` can. */
const isolation = { isolation: 'container' } as object;

let image: string;
let blueprint: string;
beforeAll(async () => {
  const served = await built(client, {
    name: 'service-image',
    dockerfile: 'FROM berth:base\nWORKDIR /srv\nCMD ["python3", "-u", "/serve.py"]',
    file_mounts: { '/serve.py': program },
  });
  expect(served).toMatchObject({ status: 'build_complete', failure_message: null });
  image = served.id;
  const services = [{ name: 'counter', image, env: { OWNER: 'me' }, port_mappings: ['5432:5432'] }];
  const whole = await built(client, { name: 'with-counter', services });
  expect(whole).toMatchObject({ status: 'build_complete', failure_message: null });
  blueprint = whole.id;
});
afterAll(async () => {
  await client.blueprints.delete(blueprint);
  await client.blueprints.delete(image);
});

const start = (more: object = {}) =>
  sdk.devbox.create({
    blueprint_id: blueprint,
    launch_parameters: { required_services: ['counter'], keep_alive_time_seconds: 600, ...isolation, ...more },
  });

describe('services of a blueprint (API §12)', () => {
  it('answer at localhost before the launch commands run, on a disk and with processes of their own', async () => {
    const devbox = await start({ launch_commands: [`${ask} > /tmp/first`] });
    try {
      expect(await output(client, devbox.id, 'cat /tmp/first')).toBe('me 0 1\n');
      expect(await output(client, devbox.id, ask)).toBe('me 0 2\n');
      expect(await output(client, devbox.id, 'ls /visits 2>&1 | wc -l; pgrep -fc "serve[.]py" || true')).toBe('1\n0\n');
      const { logs } = await client.devboxes.logs.list(devbox.id);
      expect(logs.some(({ message }) => message?.startsWith('[counter] ') && message.includes('GET /'))).toBe(true);
    } finally {
      await devbox.shutdown();
    }
  });

  it('keep their disk through a suspension; a fork has fresh ones', async () => {
    const devbox = await start();
    try {
      expect(await output(client, devbox.id, ask)).toBe('me 0 1\n');
      await devbox.suspend();
      await devbox.awaitSuspended();
      await devbox.resume();
      expect(await output(client, devbox.id, ask)).toBe('me 0 2\n');
      const { devboxes } = (await client.post(`/v1/devboxes/${devbox.id}/fork`, { body: {} })) as {
        devboxes: Array<{ id: string }>;
      };
      const fork = devboxes[0]?.id ?? '';
      await client.devboxes.awaitRunning(fork);
      expect(await output(client, fork, ask)).toBe('me 0 1\n');
      await client.devboxes.shutdown(fork);
    } finally {
      await devbox.shutdown();
    }
  });

  it('that take too much memory end alone, and the log of the box says so', async () => {
    const devbox = await start();
    try {
      await output(client, devbox.id, `${ask.replace('5432/', '5432/grow')} 2>&1 | tail -1`);
      const told = async () => {
        const { logs } = await client.devboxes.logs.list(devbox.id);
        return logs.map(({ message }) => message ?? '').filter((message) => message.startsWith('[counter] killed'));
      };
      await expect.poll(told, { timeout: 60_000 }).toEqual([expect.stringContaining('out of memory')]);
      expect(await output(client, devbox.id, 'echo alive')).toBe('alive\n');
    } finally {
      await devbox.shutdown();
    }
  });

  it('that cannot be had fail the build by name', async () => {
    const failed = await built(client, { name: 'no', services: [{ name: 'db', image: 'localhost:1/nothing:1' }] });
    expect(failed).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    expect((failed as { failure_message?: string }).failure_message).toMatch(
      /^service 'db': image localhost:1\/nothing:1/,
    );
    await client.blueprints.delete(failed.id);
  });
});
