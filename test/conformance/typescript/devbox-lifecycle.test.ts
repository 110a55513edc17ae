import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { useBox } from '../../platform/boxes.ts';
import { rawClient, request, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('one devbox over %s (API §3)', (transport) => {
  const box = useBox(transport);

  it('is found by its id', async () => {
    const view = await box.client.devboxes.retrieve(box.id);
    expect(view).toMatchObject({ id: box.id, status: 'running', end_time_ms: null, metadata: {} });
  });

  it('answers 400 for an id that cannot be one, 404 for one that is nobody', async () => {
    expect((await refusal(box.client.devboxes.retrieve('dbx_nonexistent12345'))).status).toBe(400);
    expect((await refusal(box.client.devboxes.retrieve(unknownId('dbx')))).status).toBe(404);
    expect((await refusal(box.client.devboxes.keepAlive(unknownId('dbx')))).status).toBe(404);
    expect((await refusal(box.client.devboxes.shutdown(unknownId('dbx')))).status).toBe(404);
    const wait = { method: 'POST', body: '{"statuses":["running"]}' };
    expect((await request(`/v1/devboxes/${unknownId('dbx')}/wait_for_status`, wait)).status).toBe(404);
  });

  it('updates like a patch: what is left out stays, empty clears', async () => {
    const { client, id } = box;
    expect(await client.devboxes.update(id, { name: 'n', metadata: { a: '1', b: '2' } })).toMatchObject({ name: 'n' });
    expect(await client.devboxes.update(id, { metadata: { c: '3' } })).toMatchObject({
      name: 'n',
      metadata: { c: '3' },
    });
    expect(await client.devboxes.update(id, { name: 'm' })).toMatchObject({ name: 'm', metadata: { c: '3' } });
    expect(await client.devboxes.update(id)).toMatchObject({ name: 'm', metadata: { c: '3' } });
    const cleared = await client.devboxes.update(id, { name: '', metadata: {} });
    expect(cleared.metadata).toEqual({});
    expect(cleared.name ?? '').toBe('');
    expect(await client.devboxes.retrieve(id)).toEqual(cleared);
  });

  it('keeps alive with an answer that is something', async () => {
    expect(await box.client.devboxes.keepAlive(box.id)).toBeDefined();
  });

  it('reports its usage', async () => {
    const usage = await box.client.devboxes.retrieveResourceUsage(box.id);
    expect(usage).toMatchObject({ id: box.id, status: 'running' });
    expect(usage.total_elapsed_seconds).toBeGreaterThanOrEqual(usage.total_active_seconds);
    expect(usage.vcpu_seconds).toBeCloseTo(usage.total_active_seconds * 1, 0);
    expect(usage.memory_gb_seconds).toBeCloseTo(usage.total_active_seconds * 2, 0);
    expect(usage.disk_gb_seconds).toBeGreaterThanOrEqual(0);
    expect(usage.start_time_ms).toBeGreaterThan(0);
  });
});

describe('wait_for_status (API §3.4)', () => {
  const box = useBox();
  const wait = (body: object, id = box.id) =>
    request(`/v1/devboxes/${id}/wait_for_status`, { method: 'POST', body: JSON.stringify(body) });

  it('answers at once when the status is one of those asked for', async () => {
    const answer = await wait({ statuses: ['failure', 'running'] });
    expect([answer.status, ((await answer.json()) as { status: string }).status]).toEqual([200, 'running']);
  });

  it('answers 408, not 200, when the time is over', async () => {
    for (const seconds of [0.2, 1]) {
      const answer = await wait({ statuses: ['shutdown'], timeout_seconds: seconds });
      expect(answer.status).toBe(408);
      expect(((await answer.json()) as { message: string }).message).toMatch(/\S/);
    }
  });

  it.each([
    { statuses: [] },
    {},
    { statuses: ['happy'] },
    { statuses: ['shutdown'], timeout_seconds: -1 },
    { statuses: 'running' },
  ])('refuses %j with 400', async (body) => {
    expect((await wait(body)).status).toBe(400);
  });

  it('wakes many waiters the moment the status comes', async () => {
    const created = await box.client.devboxes.create({});
    const waiters = Array.from({ length: 8 }, () => wait({ statuses: ['shutdown'], timeout_seconds: 30 }, created.id));
    await box.client.devboxes.awaitRunning(created.id);
    await box.client.devboxes.shutdown(created.id);
    const answers = await Promise.all(waiters);
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  it('survives waiters that hang up', async () => {
    const aborts = Array.from({ length: 10 }, () => AbortSignal.timeout(100));
    const settled = await Promise.allSettled(
      aborts.map((signal) =>
        request(`/v1/devboxes/${box.id}/wait_for_status`, {
          method: 'POST',
          body: '{"statuses":["shutdown"],"timeout_seconds":20}',
          signal,
        }),
      ),
    );
    expect(settled.every((one) => one.status === 'rejected')).toBe(true);
    expect((await box.client.devboxes.retrieve(box.id)).status).toBe('running');
  });
});

describe.each(transports)('shutdown over %s (API §3.1)', (transport) => {
  const client = rawClient(transport);

  it('says shutdown at once, agrees afterwards, and succeeds twice', async () => {
    const { id } = await client.devboxes.createAndAwaitRunning();
    const answer = await client.devboxes.shutdown(id);
    expect(answer).toMatchObject({ id, status: 'shutdown', shutdown_reason: 'api_shutdown' });
    const view = await client.devboxes.retrieve(id);
    expect(view.status).toBe('shutdown');
    expect(view.end_time_ms).toBeGreaterThanOrEqual(view.create_time_ms);
    expect(view.state_transitions.at(-1)?.status).toBe('shutdown');
    expect((await client.devboxes.shutdown(id, { force: 'true' })).status).toBe('shutdown');
    expect((await client.devboxes.retrieve(id)).end_time_ms).toBe(view.end_time_ms);
  });

  it('is allowed in the very first moment', async () => {
    const { id } = await client.devboxes.create();
    expect((await client.devboxes.shutdown(id)).status).toBe('shutdown');
    expect((await client.devboxes.retrieve(id)).status).toBe('shutdown');
  });

  it('makes every later use a clear 400', async () => {
    const devbox = await sdkClient(transport).devbox.create();
    await devbox.shutdown();
    const calls: ReadonlyArray<() => PromiseLike<unknown>> = [
      () => client.devboxes.execute(devbox.id, { command: 'true', command_id: crypto.randomUUID() }),
      () => client.devboxes.executeAsync(devbox.id, { command: 'true' }),
      () => client.devboxes.readFileContents(devbox.id, { file_path: 'x' }),
      () => client.devboxes.writeFileContents(devbox.id, { file_path: 'x', contents: 'x' }),
    ];
    for (const call of calls) {
      const { status, message } = await refusal(call());
      expect({ status, message }).toEqual({ status: 400, message: expect.stringContaining('shutdown') });
    }
  });
});
