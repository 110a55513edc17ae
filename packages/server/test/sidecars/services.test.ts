import { type FakeCommandHandler, FakeHost, interpret } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built } from '../blueprints/kit.ts';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';

/** Commands `serve` run until they are killed; `crash` ends at once. */
const handler: FakeCommandHandler = async (context) => {
  if (context.command.includes("'serve'")) {
    context.stdout(Buffer.from(`serving for ${context.environment['OWNER']}\n`));
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
    return 0;
  }
  if (context.command.includes("'crash'")) {
    context.stderr(Buffer.from('no such table\n'));
    return 3;
  }
  return interpret(context);
};

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new FakeHost({ handler, isolations: ['container', 'gvisor'] }) });
});
afterAll(() => server.close());

const post = (path: string, body: unknown = '') => server.caller.call('POST', path, body);
const image = async (command: string) =>
  (await built(server.caller, { name: 'image', dockerfile: `FROM debian\nCMD ["${command}"]` })).id;
const blueprint = async (command: string, more: object = {}) =>
  (
    await built(server.caller, {
      name: 'with-services',
      services: [{ name: 'web', image: await image(command), env: { OWNER: 'me' }, ...more }],
    })
  ).id;
const wanting = (id: string, more: object = {}) => ({
  blueprint_id: id,
  launch_parameters: { required_services: ['web'], isolation: 'container', ...more },
});
const phase = async (id: string) => (await server.host.inspect(id))?.phase;
const messages = async (id: string): Promise<string[]> =>
  (await server.caller.call('GET', `/v1/devboxes/${id}/logs`)).json.logs.map(
    ({ message }: { message?: string }) => message ?? '',
  );

describe('services', () => {
  it('run before the launch commands, once they listen, and go with their box', async () => {
    const id = await blueprint('serve', { port_mappings: ['5432:5432'] });
    const wish = wanting(id, { launch_commands: ['echo launched > /tmp/launched'] });
    const box = (await post('/v1/devboxes', wish)).json.id;
    const sidecar = `${box}-s0`;
    await eventually(async () => (await phase(sidecar)) === 'running');
    expect((await server.caller.call('GET', `/v1/devboxes/${box}`)).json.status).toBe('initializing');
    server.host.listen(box, 5432, async () => undefined);
    await waitFor(server.caller, box, 'running');
    expect((await execute(server.caller, box, 'cat /tmp/launched')).stdout).toBe('launched\n');
    expect(await messages(box)).toEqual(expect.arrayContaining(['[web] started']));
    await post(`/v1/devboxes/${box}/shutdown`);
    await eventually(async () => (await phase(sidecar)) === 'destroyed');
  });

  it('leave the box running when they end later, and say so in its log', async () => {
    const box = await runningBox(server.caller, wanting(await blueprint('serve')));
    await server.host.kill(`${box}-s0`, 'service-0');
    await eventually(async () => (await messages(box)).some((message) => message === '[web] killed'));
    server.host.loseBox(`${box}-s0`, 'out_of_memory');
    expect((await execute(server.caller, box, 'echo alive')).stdout).toBe('alive\n');
    expect(await phase(`${box}-s0`)).toBe('stopped');
  });

  it('sleep with their box and run anew when it is resumed', async () => {
    const box = await runningBox(server.caller, wanting(await blueprint('serve')));
    await post(`/v1/devboxes/${box}/suspend`);
    await waitFor(server.caller, box, 'suspended');
    expect(await phase(`${box}-s0`)).toBe('suspended');
    await post(`/v1/devboxes/${box}/resume`);
    await waitFor(server.caller, box, 'running');
    expect((await server.host.execution(`${box}-s0`, 'service-1', 1)).status).toBe('running');
  });

  it('are the own ones of each fork', async () => {
    const box = await runningBox(server.caller, wanting(await blueprint('serve')));
    const [fork] = (await post(`/v1/devboxes/${box}/fork`, {})).json.devboxes;
    await waitFor(server.caller, fork.id, 'running');
    expect(await phase(`${fork.id}-s0`)).toBe('running');
  });

  it('fail the box, by name, when they end before they are ready', async () => {
    const created = await post('/v1/devboxes', wanting(await blueprint('crash', { port_mappings: ['1:1'] })));
    const failed = await waitFor(server.caller, created.json.id, 'running', 'failure');
    expect(failed).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
    const detail = failed.state_transitions.at(-1).detail;
    expect(detail).toBe("service 'web' exited with 3 before it was ready: no such table");
    await eventually(async () => (await phase(`${created.json.id}-s0`)) === 'destroyed');
  });

  it('are refused under gVisor, with what to do', async () => {
    const created = await post('/v1/devboxes', wanting(await blueprint('serve'), { isolation: 'gvisor' }));
    const failed = await waitFor(server.caller, created.json.id, 'running', 'failure');
    expect(failed.status).toBe('failure');
    expect(failed.state_transitions.at(-1).detail).toContain('set launch_parameters.isolation');
  });

  it('count as memory and disk of the account', async () => {
    const caller = await server.newCaller();
    const used = async () => (await caller.call('GET', '/v1/accounts/me/quotas')).json;
    const own = async (wish: object) => (await built(caller, { name: 'x', ...wish })).id;
    const serving = await own({ dockerfile: 'FROM debian\nCMD ["serve"]' });
    const id = await own({ services: [{ name: 'web', image: serving }] });
    await runningBox(caller, {
      ...wanting(id),
      launch_parameters: { resource_size_request: 'X_SMALL', isolation: 'container' },
    });
    const before = await used();
    await runningBox(caller, wanting(id, { resource_size_request: 'X_SMALL' }));
    const after = await used();
    expect(after.memory_gib.used - before.memory_gib.used).toBe(before.memory_gib.used + 1);
  });
});

describe('what asks for services', () => {
  it('is told which there are', async () => {
    const id = await blueprint('serve');
    const unknown = await post('/v1/devboxes', { ...wanting(id), launch_parameters: { required_services: ['db'] } });
    expect(unknown).toMatchObject({ status: 400, json: { code: 'invalidRequest' } });
    expect(unknown.json.message).toContain('it has: web');
    const twice = await post('/v1/devboxes', {
      ...wanting(id),
      launch_parameters: { required_services: ['web', 'web'] },
    });
    expect(twice.status).toBe(400);
    const none = await post('/v1/devboxes', { launch_parameters: { required_services: ['web'] } });
    expect(none).toMatchObject({ status: 400, json: { code: 'invalidRequest' } });
  });

  it('is a blueprint whose images can be had: it fails by the name of the service else', async () => {
    server.host.failNextBuild('base_unavailable', 'no registry');
    const failed = await built(server.caller, { name: 'x', services: [{ name: 'db', image: 'postgres:16' }] });
    expect(failed).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    expect(failed.failure_message).toMatch(/^service 'db': image postgres:16: .*no registry/);
    const refused = await post('/v1/blueprints', {
      name: 'x',
      services: [{ name: 'db', image: 'a', options: '--privileged' }],
    });
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalidRequest' } });
    const unknown = await post('/v1/blueprints', {
      name: 'x',
      services: [{ name: 'db', image: 'bpt_31CYd5LLFbBxst8mqnUjZ' }],
    });
    expect(unknown).toMatchObject({ status: 400, json: { code: 'unknownSource' } });
  });

  it('leaves no image behind when the blueprint goes', async () => {
    const id = await blueprint('serve');
    const images = async () =>
      (await server.host.images()).map((each) => each.id).filter((each) => each.startsWith(id));
    expect((await images()).toSorted()).toEqual([id, `${id}-s0`]);
    await post(`/v1/blueprints/${id}/delete`);
    await eventually(async () => (await images()).length === 0);
  });
});
