import { type BoxSpec, HostError } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from './kit.ts';

/** What the next calls fail with, before they have an effect. */
const failures: { suspend: HostError[]; resume: HostError[] } = { suspend: [], resume: [] };
/** Boxes that lose their memory in the next suspension. */
const bereft = new Set<string>();

class RefusingHost extends FakeHost {
  override async suspend(id: string, options: { readonly memory: boolean }) {
    const failure = failures.suspend.shift();
    if (failure !== undefined) {
      throw failure;
    }
    if (bereft.delete(id)) {
      const state = await super.suspend(id, { memory: false });
      return { ...state, cause: 'out_of_memory', detail: 'the kernel killed it' } as const;
    }
    return super.suspend(id, options);
  }

  override async resume(spec: BoxSpec, options: { readonly memory: boolean }) {
    const failure = failures.resume.shift();
    if (failure !== undefined) {
      throw failure;
    }
    return super.resume(spec, options);
  }
}

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new RefusingHost({ isolations: ['container', 'gvisor'] }) });
});
afterAll(() => server.close());

const post = (id: string, verb: string, body: unknown = '') =>
  server.caller.call('POST', `/v1/devboxes/${id}/${verb}`, body);

const asleep = async (wish: Record<string, unknown> = {}, body: unknown = ''): Promise<string> => {
  const id = await runningBox(server.caller, wish);
  await execute(server.caller, id, 'echo kept > /tmp/file');
  await post(id, 'suspend', body);
  await waitFor(server.caller, id, 'suspended');
  return id;
};

/** Waits until the box is suspended once more than it was, and gives its last entry. */
const asleepAgain = async (id: string) => {
  const count = async () => {
    const { json } = await server.caller.call('GET', `/v1/devboxes/${id}`);
    return json.state_transitions.filter((each: { status: string }) => each.status === 'suspended').length;
  };
  await eventually(async () => (await count()) === 2);
  const view = await waitFor(server.caller, id, 'suspended');
  return view.state_transitions.at(-1);
};

const passing = new HostError('internal', 'try later', { retryable: true });
const gvisor = { launch_parameters: { isolation: 'gvisor' } };

describe('a suspension that fails', () => {
  it('is tried again while that may help', async () => {
    failures.suspend.push(new HostError('hostUnavailable', 'gone'), passing, passing);
    await asleep();
    expect(failures.suspend).toEqual([]);
  });

  it('lets the box run on, and says why, when the memory could not be kept', async () => {
    const id = await runningBox(server.caller, gvisor);
    failures.suspend.push(new HostError('noSpace', 'the disk is full'));
    await post(id, 'suspend', { memory: true });
    const view = await waitFor(server.caller, id, 'running');
    expect(view.state_transitions.at(-1)).toMatchObject({
      status: 'running',
      detail: 'the devbox was not suspended: the disk is full',
    });
    expect((await execute(server.caller, id, 'echo alive')).stdout).toBe('alive\n');
  });

  it('keeps the disk of a box that dies meanwhile, and does not start it from there without a word', async () => {
    const id = await runningBox(server.caller, gvisor);
    await execute(server.caller, id, 'echo kept > /tmp/file');
    bereft.add(id);
    await post(id, 'suspend', { memory: true });
    const view = await waitFor(server.caller, id, 'suspended');
    expect(view.state_transitions.at(-1)).toMatchObject({
      failure_reason: 'out_of_memory',
      detail: expect.stringMatching(/lost its memory: .*killed it; .*\{"memory": false\}/),
    });
    await post(id, 'resume');
    expect((await asleepAgain(id)).detail).toContain('no longer has its memory');
    await post(id, 'resume', { memory: false });
    await waitFor(server.caller, id, 'running');
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it('from its disk says why, when the box died before all that it had written was there', async () => {
    const id = await runningBox(server.caller, gvisor);
    await execute(server.caller, id, 'echo kept > /tmp/file');
    bereft.add(id);
    await post(id, 'suspend', { memory: false });
    const view = await waitFor(server.caller, id, 'suspended');
    expect(view.state_transitions.at(-1)).toMatchObject({
      failure_reason: 'out_of_memory',
      detail: expect.stringContaining('killed it'),
    });
    await post(id, 'resume');
    await waitFor(server.caller, id, 'running');
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it('is a failure of the box with its cause when that died meanwhile', async () => {
    const id = await runningBox(server.caller, {
      launch_parameters: { lifecycle: { lifecycle_hooks: { suspend_commands: ['sleep infinity'] } } },
    });
    await post(id, 'suspend');
    await eventually(async () =>
      server.host.execution(id, 'suspend-1-0', 0).then(
        () => true,
        () => false,
      ),
    );
    server.host.loseBox(id, 'out_of_memory', 'too much');
    expect(await waitFor(server.caller, id, 'failure', 'suspended')).toMatchObject({ failure_reason: 'out_of_memory' });
  });
});

describe('a resume that fails', () => {
  it.each([
    ['out_of_disk', 'out_of_disk'],
    ['runtime_failed', 'execution_failed'],
  ] as const)('leaves the box suspended with the reason (%s), and its disk', async (cause, reason) => {
    const id = await asleep();
    server.host.failNextResume(cause);
    expect((await post(id, 'resume')).json.status).toBe('provisioning');
    expect(await asleepAgain(id)).toMatchObject({
      status: 'suspended',
      failure_reason: reason,
      detail: `the devbox cannot be resumed: ${cause}: failed by the test`,
    });
    await post(id, 'resume');
    await waitFor(server.caller, id, 'running');
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it.each([
    ['before', 0],
    ['after', 300],
  ])('ends a wait for the box to run that began %s it, with the reason', async (_when, delayMs) => {
    const id = await asleep();
    server.host.failNextResume('out_of_disk');
    await post(id, 'resume');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const wait = { statuses: ['running', 'failure', 'shutdown'], timeout_seconds: 30 };
    expect(await post(id, 'wait_for_status', wait)).toMatchObject({
      status: 400,
      json: { code: 'resumeFailed', message: expect.stringContaining('cannot be resumed: out_of_disk') },
    });
    expect(await post(id, 'wait_for_status', { ...wait, statuses: ['suspended'] })).toMatchObject({ status: 200 });
    await post(id, 'resume');
    expect(await post(id, 'wait_for_status', wait)).toMatchObject({ status: 200, json: { status: 'running' } });
  });

  it('is tried again while that may help, and given up after some attempts', async () => {
    const id = await asleep();
    failures.resume.push(new HostError('hostUnavailable', 'gone'), ...Array.from({ length: 6 }, () => passing));
    await post(id, 'resume');
    expect((await asleepAgain(id)).detail).toContain('try later');
    failures.resume.splice(0);
    await post(id, 'resume');
    await waitFor(server.caller, id, 'running');
  });

  it('says how to go on when the memory image cannot be used, and starts from the disk then', async () => {
    const id = await asleep(gvisor, { memory: true });
    failures.resume.push(new HostError('checkpointUnusable', 'the image is damaged'));
    await post(id, 'resume');
    const last = await asleepAgain(id);
    expect(last.detail).toContain('the image is damaged');
    expect(last.detail).toContain('{"memory": false}');
    await post(id, 'resume', { memory: false });
    await waitFor(server.caller, id, 'running');
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it('does not start from the disk without a word when the memory is gone', async () => {
    const id = await asleep(gvisor);
    await server.server.parts.database
      .updateTable('devboxes')
      .set({ with_memory: true })
      .where('id', '=', id)
      .execute();
    await post(id, 'resume');
    expect((await asleepAgain(id)).detail).toContain('no longer has its memory');
  });

  it('suspends again over a launch command, with its output as reason', async () => {
    const id = await asleep({ launch_parameters: { launch_commands: ['cat /tmp/poison && exit 4 || true'] } });
    await post(id, 'resume');
    await waitFor(server.caller, id, 'running');
    await execute(server.caller, id, 'echo venom > /tmp/poison');
    await post(id, 'suspend');
    await waitFor(server.caller, id, 'suspended');
    await post(id, 'resume');
    await eventually(async () => {
      const { json } = await server.caller.call('GET', `/v1/devboxes/${id}`);
      return json.status === 'suspended' && json.state_transitions.at(-1).failure_reason !== undefined;
    });
    const { json } = await server.caller.call('GET', `/v1/devboxes/${id}`);
    expect(json.state_transitions.at(-1)).toMatchObject({
      failure_reason: 'execution_failed',
      detail: 'launch command 1 exited with 4: venom',
    });
  });

  it('names a secret that is gone', async () => {
    await server.caller.call('POST', '/v1/secrets', { name: 'leaving', value: 'x' });
    const id = await asleep({ secrets: { LEAVING: 'leaving' } });
    await server.caller.call('POST', '/v1/secrets/leaving/delete', '');
    await post(id, 'resume');
    expect((await asleepAgain(id)).detail).toContain("secret 'leaving' was deleted");
  });

  it('waits for a host that is away, and is shut down meanwhile', async () => {
    const id = await asleep();
    server.host.setUnreachable(true);
    expect((await post(id, 'resume')).json.status).toBe('provisioning');
    expect((await post(id, 'shutdown')).json.status).toBe('shutdown');
    server.host.setUnreachable(false);
    await eventually(async () => (await server.host.inspect(id))?.phase === 'destroyed');
  });
});
