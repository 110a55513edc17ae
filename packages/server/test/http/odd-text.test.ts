import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from '../devboxes/kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

/** Text that JSON and URLs can carry and a database cannot keep. */
const nul = 'a\0b';
const half = 'a\ud800b';

const collections = ['devboxes', 'devboxes/disk_snapshots', 'blueprints', 'objects', 'agents', 'secrets'];
const parameters = ['name', 'id', 'search', 'starting_after', 'metadata[a]', 'metadata[%00]', 'devbox_id', 'version'];

describe('text that no database keeps', () => {
  it.each(collections)('in the query of %s is refused, or finds nothing', async (collection) => {
    for (const parameter of parameters) {
      for (const value of ['a%00b', '%ED%A0%80', '%FF', '%5C', '%25']) {
        const { status } = await server.caller.call('GET', `/v1/${collection}?${parameter}=${value}`);
        expect([200, 400], `${parameter}=${value}: ${status}`).toContain(status);
      }
    }
  });

  it.each(collections)('in a path below %s is nobody’s id', async (collection) => {
    for (const id of ['a%00b', '%ED%A0%80', '%FF', '..%2f..']) {
      for (const [method, rest] of [
        ['GET', ''],
        ['POST', '/delete'],
        ['GET', '/metadata/keys'],
      ] as const) {
        const { status } = await server.caller.call(method, `/v1/${collection}/${id}${rest}`);
        expect(status, `${method} ${id}${rest}`).toBeGreaterThanOrEqual(400);
        expect(status, `${method} ${id}${rest}`).toBeLessThan(500);
      }
    }
  });

  it.each([
    ['blueprint_id', (text: string) => ({ blueprint_id: text })],
    ['blueprint_name', (text: string) => ({ blueprint_name: text })],
    ['snapshot_id', (text: string) => ({ snapshot_id: text })],
    ['secret', (text: string) => ({ secrets: { A: text } })],
    ['target', (text: string) => ({ mounts: [{ type: 'file_mount', target: `/${text}`, content: '' }] })],
    ['older target', (text: string) => ({ file_mounts: { [`/${text}`]: '' } })],
    ['object_id', (text: string) => ({ mounts: [{ type: 'object_mount', object_id: text, object_path: '/x' }] })],
    ['agent_id', (text: string) => ({ mounts: [{ type: 'agent_mount', agent_id: text }] })],
    ['agent_name', (text: string) => ({ mounts: [{ type: 'agent_mount', agent_name: text }] })],
    ['git_url', (text: string) => ({ mounts: [{ type: 'code_mount', git_url: `https://x.example/${text}` }] })],
    ['path', (text: string) => ({ mounts: [{ type: 'code_mount', git_url: 'https://x.example/y', path: text }] })],
    ['policy', (text: string) => ({ launch_parameters: { network_policy_id: text } })],
    ['service', (text: string) => ({ launch_parameters: { required_services: [text] } })],
    ['metadata', (text: string) => ({ metadata: { [text]: text } })],
  ])('as %s of a devbox is refused with 400', async (_what, wish) => {
    for (const text of [nul, half]) {
      const { status, json } = await server.caller.call('POST', '/v1/devboxes', wish(text));
      expect(status, JSON.stringify(json)).toBe(400);
    }
  });

  it.each([
    ['base_blueprint_id', (text: string) => ({ base_blueprint_id: text })],
    ['base_blueprint_name', (text: string) => ({ base_blueprint_name: text })],
    ['context', (text: string) => ({ build_context: { type: 'object', object_id: text } })],
    ['secret', (text: string) => ({ secrets: { A: text } })],
    ['argument', (text: string) => ({ build_args: { A: text } })],
    ['file', (text: string) => ({ file_mounts: { [`/${text}`]: 'x' } })],
    ['content', (text: string) => ({ file_mounts: { '/x': text } })],
    ['policy', (text: string) => ({ network_policy_id: text })],
    ['service', (text: string) => ({ services: [{ name: text, image: 'x' }] })],
    ['image', (text: string) => ({ services: [{ name: 'x', image: text }] })],
    ['port', (text: string) => ({ services: [{ name: 'x', image: 'x', port_mappings: [text] }] })],
    ['required', (text: string) => ({ launch_parameters: { required_services: [text] } })],
    ['policy of boxes', (text: string) => ({ launch_parameters: { network_policy_id: text } })],
    ['dockerfile', (text: string) => ({ dockerfile: `FROM ${text}` })],
  ])('as %s of a blueprint is refused with 400', async (_what, wish) => {
    for (const text of [nul, half]) {
      const { status, json } = await server.caller.call('POST', '/v1/blueprints', { name: 'x', ...wish(text) });
      expect(status, JSON.stringify(json)).toBe(400);
    }
  });

  it.each([
    ['/v1/objects', (text: string) => ({ name: text, content_type: 'text' })],
    ['/v1/objects', (text: string) => ({ name: 'x', content_type: 'text', metadata: { [text]: 'x' } })],
    ['/v1/agents', (text: string) => ({ name: text })],
    ['/v1/agents', (text: string) => ({ name: 'x', version: text })],
    ['/v1/agents', (text: string) => ({ name: 'x', source: { type: 'object', object: { object_id: text } } })],
    ['/v1/agents', (text: string) => ({ name: 'x', source: { type: 'git', git: { repository: 'x', ref: text } } })],
    ['/v1/secrets', (text: string) => ({ name: 'x', value: text })],
  ])('is refused with 400 by %s', async (path, wish) => {
    for (const text of [nul, half]) {
      expect((await server.caller.call('POST', path, wish(text))).status).toBe(400);
    }
  });
});

it('a mounted file may hold what no database keeps', async () => {
  const mounts = [{ type: 'file_mount', target: '/home/user/x', content: nul }];
  expect((await server.caller.call('POST', '/v1/devboxes', { mounts })).status).toBe(200);
});
