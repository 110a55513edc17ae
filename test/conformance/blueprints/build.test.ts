import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { output, run, withBox } from '../../platform/boxes.ts';
import { rawClient, sdkClient, transports } from '../../platform/clients.ts';
import { built, withBlueprint } from './blueprints.ts';

describe.each(transports)('blueprints over %s (API §12)', (transport) => {
  const client = rawClient(transport);
  const sdk = sdkClient(transport);

  it('are built in the order of the API, and boxes start from them', async () => {
    const name = `whole-${transport}`;
    const blueprint = await sdk.blueprint.create({
      name,
      dockerfile: [
        'FROM runloop:runloop/starter-x86_64',
        'ARG GREETING',
        'ENV COLOUR=blue LANGUAGE=none',
        'RUN echo "$GREETING" > /greeting',
      ].join('\n'),
      build_args: { GREETING: 'good morning' },
      file_mounts: { '/etc/berth-motd': 'all aboard\n', 'notes.txt': 'mine' },
      system_setup_commands: [
        'test "$(cat /etc/berth-motd)" = "all aboard" && whoami > built-by',
        'sudo sh -c "whoami > /built-with-sudo"',
      ],
      metadata: { suite: 'conformance' },
      launch_parameters: { keep_alive_time_seconds: 600 },
    });
    const info = await blueprint.getInfo();
    expect(info).toMatchObject({ status: 'build_complete', failure_reason: null, metadata: { suite: 'conformance' } });
    const { logs } = await blueprint.logs();
    expect(logs.map(({ message }) => message).join('\n')).toContain('STEP');
    const devbox = await blueprint.createDevbox();
    try {
      expect((await devbox.getInfo()).blueprint_id).toBe(blueprint.id);
      const say = async (command: string) => output(client, devbox.id, command);
      expect(await say('cat /greeting')).toBe('good morning\n');
      expect(await say('echo $COLOUR; pwd')).toBe('blue\n/home/user\n');
      expect(await say('cat built-by notes.txt; stat -c %U notes.txt')).toBe('user\nmineuser\n');
      expect(await say('cat /built-with-sudo; sudo whoami')).toBe('root\nroot\n');
      const named = await sdk.devbox.createFromBlueprintName(name);
      expect((await named.getInfo()).blueprint_id).toBe(blueprint.id);
      await named.shutdown();
    } finally {
      await devbox.shutdown();
      await blueprint.delete();
    }
    expect((await blueprint.getInfo()).state).toBe('deleted');
  });

  it('stand on each other, and boxes outlive them', async () => {
    const base = await built(client, { name: 'base', system_setup_commands: ['echo of the base > level'] });
    const wish = { name: 'top', base_blueprint_id: base.id, system_setup_commands: ['echo of the top >> level'] };
    await withBlueprint(client, wish, async (top) => {
      expect(top.base_blueprint_id).toBe(base.id);
      await client.blueprints.delete(base.id);
      await withBox(client, { blueprint_id: top.id }, async (box) => {
        await client.blueprints.delete(top.id);
        expect(await output(client, box.id, 'cat level')).toBe('of the base\nof the top\n');
      });
      expect((await refusal(client.devboxes.create({ blueprint_id: top.id }))).status).toBe(400);
    });
  });

  it('fail with the reason, and the log', async () => {
    const failed = await built(client, { name: 'broken', system_setup_commands: ['echo before; exit 7'] });
    expect(failed).toMatchObject({ status: 'failed', failure_reason: 'build_failed', state: 'created' });
    const { logs } = await client.blueprints.logs(failed.id);
    expect(logs.map(({ message }) => message).join('\n')).toContain('before');
    const bad = await built(client, { name: 'broken', dockerfile: 'this is no Dockerfile' });
    expect(bad).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    for (const { id } of [failed, bad]) {
      await client.blueprints.delete(id);
    }
  });

  it('have secrets while they are built, and not in the image', async () => {
    const secret = `build-${transport}-${Date.now()}`;
    await client.secrets.create({ name: secret, value: 'hush-hush-42' });
    const wish = {
      name: 'with a secret',
      secrets: { BUILD_TOKEN: secret },
      system_setup_commands: ['printf %s "$BUILD_TOKEN" | sha256sum > digest; echo "token: $BUILD_TOKEN"'],
    };
    await withBlueprint(client, wish, async ({ id, status }) => {
      expect(status).toBe('build_complete');
      const { logs } = await client.blueprints.logs(id);
      expect(JSON.stringify(logs)).not.toContain('hush-hush-42');
      await withBox(client, { blueprint_id: id }, async (box) => {
        const digest = 'printf %s hush-hush-42 | sha256sum | cmp - digest && echo same';
        expect(await output(client, box.id, digest)).toBe('same\n');
        expect((await run(client, box.id, 'printenv BUILD_TOKEN')).exit_status).toBe(1);
      });
    });
    await client.secrets.delete(secret);
  });

  it('keep their image while snapshots depend on them', async () => {
    await withBlueprint(client, { name: 'kept', system_setup_commands: ['echo kept > file'] }, async ({ id }) => {
      await withBox(client, { blueprint_id: id }, async (box) => {
        const snapshot = await client.devboxes.snapshotDisk(box.id);
        expect(snapshot.source_blueprint_id).toBe(id);
        const refused = await refusal(client.blueprints.delete(id));
        expect(refused.status).toBe(400);
        expect(refused.message).toContain(snapshot.id);
        await client.devboxes.deleteDiskSnapshot(snapshot.id);
        await client.blueprints.delete(id);
      });
    });
  });

  it('that do not exist are refused like anything else', async () => {
    expect((await refusal(client.blueprints.retrieve(unknownId('bpt')))).status).toBe(404);
    expect((await refusal(client.blueprints.delete(unknownId('bpt')))).status).toBe(404);
    expect((await refusal(client.devboxes.create({ blueprint_id: unknownId('bpt') }))).status).toBe(400);
    expect((await refusal(client.devboxes.create({ blueprint_name: 'no such name' }))).status).toBe(400);
  });
});
