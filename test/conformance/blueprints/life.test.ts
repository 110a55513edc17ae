import { describe, expect, it } from 'vitest';
import { output, withBox } from '../../platform/boxes.ts';
import { rawClient, request } from '../../platform/clients.ts';
import { built, withBlueprint } from './blueprints.ts';

const client = rawClient();

/** Events of the log's stream, until it ends. */
const tail = async (id: string, fromLine = 0): Promise<Array<{ line: number; message: string }>> => {
  const response = await request(`/v1/blueprints/${id}/logs/tail?from_line=${fromLine}`);
  return (await response.text())
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));
};

describe('the life of a build (docs/BLUEPRINTS.md)', () => {
  it('can be followed from the first line to the last, and from any line on', async () => {
    const { id } = await client.blueprints.create({
      name: 'followed',
      system_setup_commands: ['for i in 1 2 3; do echo "count $i"; sleep 0.2; done', 'echo done'],
    });
    const lines = await tail(id);
    const text = lines.map(({ message }) => message).join('\n');
    expect(text).toMatch(/count 1.*count 2.*count 3.*done/s);
    expect(lines.map(({ line }) => line)).toEqual(lines.map((_line, index) => index));
    expect(await tail(id, lines.length - 1)).toEqual(lines.slice(-1));
    await client.blueprints.delete(id);
  });

  it('can be cancelled while it runs, by its own call and by a delete', async () => {
    const endless = { name: 'endless', system_setup_commands: [`: ${Date.now()}; sleep 1000`] };
    const [one, other] = [await client.blueprints.create(endless), await client.blueprints.create(endless)];
    for (const { id } of [one, other]) {
      for (let view = await client.blueprints.retrieve(id); view.status !== 'building'; ) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        view = await client.blueprints.retrieve(id);
      }
    }
    const cancelled = await (await request(`/v1/blueprints/${one.id}/cancel`, { method: 'POST' })).json();
    expect(cancelled).toMatchObject({ status: 'failed', failure_message: 'cancelled' });
    await client.blueprints.delete(other.id);
    expect(await client.blueprints.retrieve(other.id)).toMatchObject({ state: 'deleted', status: 'failed' });
    await client.blueprints.delete(one.id);
    // Both are really gone: the host has room for the next.
    const next = await built(client, { name: 'after them' });
    expect(next.status).toBe('build_complete');
    await client.blueprints.delete(next.id);
  });

  it('uses what an earlier build has made', async () => {
    const wish = {
      name: 'cached',
      system_setup_commands: [': conformance; cat /proc/sys/kernel/random/uuid > made-once'],
    };
    await withBlueprint(client, wish, (one) =>
      withBlueprint(client, wish, async (two) => {
        const read = (id: string) =>
          withBox(client, { blueprint_id: id }, (box) => output(client, box.id, 'cat made-once'));
        expect(await read(two.id)).toBe(await read(one.id));
      }),
    );
  });

  // A base is made from its distribution's packages, once.
  it('builds on a name that no registry of this machine has, for boxes with their user and sudo', {
    timeout: 480_000,
  }, async () => {
    const wish = { name: 'stand-in', dockerfile: 'FROM ubuntu:22.04', system_setup_commands: ['sudo true'] };
    const view = await built(client, wish);
    const { logs } = await client.blueprints.logs(view.id);
    expect(view.status, JSON.stringify(logs.slice(-20))).toBe('build_complete');
    await withBox(client, { blueprint_id: view.id }, async (box) => {
      expect(await output(client, box.id, 'whoami; sudo whoami')).toBe('user\nroot\n');
    });
    await client.blueprints.delete(view.id);
  });
});
