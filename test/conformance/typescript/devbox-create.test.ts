import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { withBox } from '../../platform/boxes.ts';
import { rawClient, request, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('create a devbox over %s (API §3.1, §3.2, §3.5)', (transport) => {
  const client = rawClient(transport);

  it('answers at once with a complete view in an early state, then runs', async () => {
    const created = await client.devboxes.create({ name: 'early', metadata: { team: 'a', empty: '' } });
    try {
      expect(created.id).toMatch(/^dbx_[0-9A-Za-z]{21}$/);
      expect(['queued', 'provisioning', 'initializing', 'running']).toContain(created.status);
      expect(created).toMatchObject({ name: 'early', metadata: { team: 'a', empty: '' }, end_time_ms: null });
      expect(Array.isArray(created.capabilities)).toBe(true);
      expect(Math.abs(created.create_time_ms - Date.now())).toBeLessThan(60_000);
      const running = await client.devboxes.awaitRunning(created.id);
      expect(running.status).toBe('running');
      const statuses = running.state_transitions.map((transition) => transition.status);
      expect(statuses.at(-1)).toBe('running');
      expect(statuses).toContain('provisioning');
      const times = running.state_transitions.map((transition) => Number(transition.transition_time_ms));
      expect([...times].sort((a, b) => a - b)).toEqual(times);
    } finally {
      await client.devboxes.shutdown(created.id);
    }
  });

  it('takes no body, an empty body, explicit nulls and unknown fields', async () => {
    await withBox(client, {}, async (box) => expect(box.metadata).toEqual({}));
    const bodies = [
      undefined,
      '{}',
      JSON.stringify({ name: null, metadata: null, environment_variables: null, reflex: 1 }),
    ];
    for (const body of bodies) {
      const answer = await request('/v1/devboxes', { method: 'POST', ...(body === undefined ? {} : { body }) });
      expect(answer.status).toBe(200);
      const { id } = (await answer.json()) as { id: string };
      await client.devboxes.shutdown(id);
    }
  });

  it('echoes the launch parameters with the default size', async () => {
    await withBox(client, {}, async (box) => {
      expect(box.launch_parameters.resource_size_request ?? 'SMALL').toBe('SMALL');
    });
    const wish = { resource_size_request: 'X_SMALL', keep_alive_time_seconds: 120, architecture: 'x86_64' } as const;
    await withBox(client, { launch_parameters: wish }, async (box) =>
      expect(box.launch_parameters).toMatchObject(wish),
    );
  });

  it.each([
    ['an unknown blueprint', { blueprint_id: unknownId('bpt') }],
    ['an unknown blueprint name', { blueprint_name: 'no-such-blueprint' }],
    ['an unknown snapshot', { snapshot_id: unknownId('snp') }],
    ['an unknown secret', { secrets: { TOKEN: 'no-such-secret' } }],
    ['a custom size without its figures', { launch_parameters: { resource_size_request: 'CUSTOM_SIZE' } }],
    ['cores without memory', { launch_parameters: { resource_size_request: 'CUSTOM_SIZE', custom_cpu_cores: 2 } }],
    [
      'a custom size out of proportion',
      { launch_parameters: { resource_size_request: 'CUSTOM_SIZE', custom_cpu_cores: 1, custom_gb_memory: 64 } },
    ],
    ['a life of three days', { launch_parameters: { keep_alive_time_seconds: 3 * 24 * 3600 } }],
    ['a life of no time', { launch_parameters: { keep_alive_time_seconds: -1 } }],
    [
      'two idle times that differ',
      {
        launch_parameters: {
          after_idle: { idle_time_seconds: 60, on_idle: 'shutdown' },
          lifecycle: { after_idle: { idle_time_seconds: 61, on_idle: 'shutdown' } },
        },
      },
    ],
  ] as const)('refuses %s with 400', async (_what, params) => {
    const { status, message } = await refusal(client.devboxes.create(params));
    expect({ status, message }).toEqual({ status: 400, message: expect.stringMatching(/\S/) });
  });

  it('refuses an unknown size', async () => {
    const body = JSON.stringify({ launch_parameters: { resource_size_request: 'ENORMOUS' } });
    expect((await request('/v1/devboxes', { method: 'POST', body })).status).toBe(400);
  });

  it('makes one box for one idempotency key, and confuses no paths (API §2.5)', async () => {
    const idempotencyKey = `create-${crypto.randomUUID()}`;
    const first = await client.devboxes.create({ name: 'once' }, { idempotencyKey });
    const again = await Promise.all([1, 2, 3].map(() => client.devboxes.create({ name: 'once' }, { idempotencyKey })));
    try {
      expect(again.map((box) => box.id)).toEqual([first.id, first.id, first.id]);
      await client.devboxes.awaitRunning(first.id);
      const secret = await client.secrets.create({ name: idempotencyKey, value: 'v' }, { idempotencyKey });
      expect(secret.id).toMatch(/^sec_/);
      await client.secrets.delete(idempotencyKey);
    } finally {
      await client.devboxes.shutdown(first.id);
    }
  });

  it('makes one box when the same key arrives several times at once', async () => {
    const idempotencyKey = `race-${crypto.randomUUID()}`;
    const calls = Array.from({ length: 5 }, () => client.devboxes.create({ name: idempotencyKey }, { idempotencyKey }));
    const settled = await Promise.allSettled(calls);
    const found = await client.devboxes.list({ name: idempotencyKey } as object);
    try {
      expect(found.devboxes).toHaveLength(1);
      const ids = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []));
      expect(new Set(ids)).toEqual(new Set([found.devboxes[0]?.id]));
    } finally {
      await Promise.all(found.devboxes.map((box) => client.devboxes.shutdown(box.id)));
    }
  });

  it('creates through the object-oriented client', async () => {
    const sdk = sdkClient(transport);
    const devbox = await sdk.devbox.create({ name: 'object' });
    try {
      expect(await devbox.getInfo()).toMatchObject({ id: devbox.id, status: 'running', name: 'object' });
      expect((await sdk.devbox.list({ limit: 20 })).map((one) => one.id)).toContain(devbox.id);
    } finally {
      expect((await devbox.shutdown()).status).toBe('shutdown');
    }
  });
});
