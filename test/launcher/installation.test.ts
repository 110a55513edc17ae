import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchedBerth } from './berth.ts';

let berth: LaunchedBerth;
beforeAll(async () => {
  berth = await LaunchedBerth.prepare();
  await berth.output('up', '--detach');
}, 600_000);
afterAll(async () => {
  expect(await berth.remove()).toEqual([]);
}, 120_000);

const status = async (): Promise<{ state: string; services: Array<{ name: string; phase: string }> }> =>
  JSON.parse((await berth.run(['status', '--json'])).stdout);

const untilRunning = async (services: number): Promise<void> => {
  for (;;) {
    const report = await status();
    if (report.state === 'running' && report.services.filter(({ phase }) => phase === 'ready').length === services) {
      return;
    }
    await pause(200);
  }
};

const answers = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${berth.port}/readyz`)).ok;

describe('an installation', () => {
  it('is up with three services and says where', async () => {
    const report = await status();
    expect(report.state).toBe('running');
    expect(report.services.map(({ name }) => name).sort()).toEqual(['host', 'postgres', 'server']);
    expect(await berth.output('env')).toContain(`RUNLOOP_BASE_URL=http://127.0.0.1:${berth.port}`);
  });

  it('stays as it is when it is brought up again', async () => {
    const before = [berth.supervisor(), berth.processOf('host'), berth.processOf('server')];
    await berth.output('up', '--detach');
    expect([berth.supervisor(), berth.processOf('host'), berth.processOf('server')]).toEqual(before);
  });

  it.each(['postgres', 'host', 'server'] as const)('starts a killed %s again', async (service) => {
    const before = berth.processOf(service) ?? 0;
    expect(before).toBeGreaterThan(1);
    process.kill(before, 'SIGKILL');
    for (let now: number | undefined = before; now === before || now === undefined; now = berth.processOf(service)) {
      await pause(50);
    }
    await untilRunning(3);
    expect(await answers()).toBe(true);
  });

  it('takes running services over after its supervisor was killed', async () => {
    const before = [berth.processOf('postgres'), berth.processOf('host'), berth.processOf('server')];
    process.kill(berth.supervisor(), 'SIGKILL');
    while ((await status()).state !== 'stopped') {
      await pause(50);
    }
    await berth.output('up', '--detach');
    expect([berth.processOf('postgres'), berth.processOf('host'), berth.processOf('server')]).toEqual(before);
  });

  it('stops and starts with its boxes left running', async () => {
    const box = await berth.output('devbox', 'create', '--name', 'stays');
    await berth.output('devbox', 'exec', box, 'echo kept > /tmp/file');
    expect((await berth.run(['down'])).stderr).toContain('1 box is running');
    await berth.output('down', '--keep-boxes');
    expect((await status()).state).toBe('stopped');
    await berth.output('up', '--detach');
    expect(await berth.output('devbox', 'exec', box, 'cat /tmp/file')).toBe('kept');
    await berth.output('devbox', 'delete', box);
  });

  it('names whoever has its port', async () => {
    await berth.output('down', '--all');
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(berth.port, '127.0.0.1', resolve));
    try {
      const refused = await berth.run(['up', '--detach']);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain(`pid ${process.pid}`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await berth.output('up', '--detach');
    }
  });
});
