import { randomUUID } from 'node:crypto';
import { newId } from '@berth/contract';
import type { TestCaller, TestServer } from '../harness.ts';

/** A thing of one account, for the test that another account must not see or change. */
export interface Made {
  /** Values of the path parameters that name it. */
  readonly params: Readonly<Record<string, string>>;
  /** Everything about it that a stranger must leave as it is. */
  readonly observe: () => Promise<unknown>;
}

export interface Recipe {
  /** Makes the thing as its owner does. */
  readonly make: (owner: TestCaller, server: TestServer) => Promise<Made>;
  /** Parameters that are well-formed and name nothing. */
  readonly unknown: () => Readonly<Record<string, string>>;
  /** What a stranger gets: 404, unless the route answers an empty collection for what it does not know. */
  readonly strangerStatus?: number;
  /** Of a request that a stranger can make. */
  readonly query?: string;
}

const ok = async (answer: ReturnType<TestCaller['call']>) => {
  const { status, json } = await answer;
  if (status !== 200) {
    throw new Error(`the owner itself got ${status}: ${JSON.stringify(json)}`);
  }
  return json;
};

const makeSecret = async (owner: TestCaller): Promise<{ id: string; name: string }> =>
  ok(owner.call('POST', '/v1/secrets', { name: `s-${randomUUID()}`, value: 'owner value' }));

const observeSecret = (owner: TestCaller, server: TestServer, name: string) => async () => [
  await ok(owner.call('GET', `/v1/secrets/${name}`)),
  [...(await server.server.parts.secrets.reveal(owner.account, [name]))],
];

const makeDevbox = async (owner: TestCaller): Promise<{ id: string }> => {
  const box = await ok(
    owner.call('POST', '/v1/devboxes', { name: 'of the owner', metadata: { owner: owner.account } }),
  );
  await ok(
    owner.call('POST', `/v1/devboxes/${box.id}/wait_for_status`, { statuses: ['running'], timeout_seconds: 10 }),
  );
  return box;
};

const observeDevbox = (owner: TestCaller, server: TestServer, id: string) => async () => [
  await ok(owner.call('GET', `/v1/devboxes/${id}`)),
  await server.host.inspect(id),
  // Each command and each file call leaves a line here.
  await server.host.logs(id, {}),
];

const makeSnapshot = async (owner: TestCaller): Promise<{ id: string }> => {
  const box = await makeDevbox(owner);
  const wish = { name: 'kept', metadata: { owner: owner.account } };
  return ok(owner.call('POST', `/v1/devboxes/${box.id}/snapshot_disk`, wish));
};

const observeSnapshot = (owner: TestCaller, server: TestServer, id: string) => async () => [
  await ok(owner.call('GET', `/v1/devboxes/disk_snapshots/${id}/status`)),
  (await server.host.snapshots()).filter((state) => state.id === id),
];

const makeAgent = async (owner: TestCaller): Promise<{ id: string }> =>
  ok(owner.call('POST', '/v1/agents', { name: `of ${owner.account}` }));

const makeBlueprint = async (owner: TestCaller): Promise<{ id: string }> => {
  const made = await ok(owner.call('POST', '/v1/blueprints', { name: 'kept', metadata: { owner: owner.account } }));
  for (;;) {
    const view = await ok(owner.call('GET', `/v1/blueprints/${made.id}`));
    if (view.status === 'build_complete') {
      return view;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const observeBlueprint = (owner: TestCaller, server: TestServer, id: string) => async () => [
  await ok(owner.call('GET', `/v1/blueprints/${id}`)),
  await server.host.build(id),
  (await server.host.images()).filter((image) => image.id === id),
];

const blueprintsByKey: Recipe = {
  make: async (owner, server) => {
    const { id } = await makeBlueprint(owner);
    return { params: { key: 'owner' }, observe: observeBlueprint(owner, server, id) };
  },
  unknown: () => ({ key: 'nobody' }),
  strangerStatus: 200,
};

const makeObject = async (owner: TestCaller): Promise<{ id: string; uploadUrl: string }> => {
  const wish = { name: 'of the owner', content_type: 'text', metadata: { owner: owner.account } };
  const { id, upload_url: uploadUrl } = await ok(owner.call('POST', '/v1/objects', wish));
  await fetch(uploadUrl, { method: 'PUT', body: 'of the owner' });
  return { id, uploadUrl };
};

const observeObject = (owner: TestCaller, server: TestServer, id: string) => async () => [
  await ok(owner.call('GET', `/v1/objects/${id}`)),
  await server.server.parts.database.selectFrom('objects').selectAll().where('id', '=', id).execute(),
];

/**
 * How to make what a path names. The longest path that a route's own path begins with counts. A route with parameters that no entry covers
 * fails the test: add one here together with the route.
 */
export const recipes: Readonly<Record<`/${string}`, Recipe>> = {
  '/v1/secrets/{name}': {
    make: async (owner, server) => {
      const { name } = await makeSecret(owner);
      return { params: { name }, observe: observeSecret(owner, server, name) };
    },
    unknown: () => ({ name: `s-${randomUUID()}` }),
  },
  '/v1/secrets/id/{id}': {
    make: async (owner, server) => {
      const { id, name } = await makeSecret(owner);
      return { params: { id }, observe: observeSecret(owner, server, name) };
    },
    unknown: () => ({ id: newId('secret') }),
  },
  '/v1/agents/{id}': {
    make: async (owner) => {
      const { id } = await makeAgent(owner);
      return { params: { id }, observe: () => ok(owner.call('GET', `/v1/agents/${id}`)) };
    },
    unknown: () => ({ id: newId('agent') }),
  },
  '/v1/devboxes/{id}': {
    make: async (owner, server) => {
      const { id } = await makeDevbox(owner);
      return { params: { id }, observe: observeDevbox(owner, server, id) };
    },
    unknown: () => ({ id: newId('devbox') }),
  },
  '/v1/devboxes/{id}/executions/{execution_id}': {
    make: async (owner, server) => {
      const { id } = await makeDevbox(owner);
      const { execution_id } = await ok(
        owner.call('POST', `/v1/devboxes/${id}/execute_async`, { command: 'cat', attach_stdin: true }),
      );
      const observe = async () => [
        await observeDevbox(owner, server, id)(),
        await ok(owner.call('GET', `/v1/devboxes/${id}/executions/${execution_id}`)),
      ];
      return { params: { id, execution_id }, observe };
    },
    unknown: () => ({ id: newId('devbox'), execution_id: randomUUID() }),
  },
  '/v1/devboxes/disk_snapshots/{id}': {
    make: async (owner, server) => {
      const { id } = await makeSnapshot(owner);
      return { params: { id }, observe: observeSnapshot(owner, server, id) };
    },
    unknown: () => ({ id: newId('snapshot') }),
  },
  '/v1/devboxes/disk_snapshots/metadata/keys/{key}/values': {
    make: async (owner, server) => {
      const { id } = await makeSnapshot(owner);
      return { params: { key: 'owner' }, observe: observeSnapshot(owner, server, id) };
    },
    unknown: () => ({ key: 'nobody' }),
    strangerStatus: 200,
  },
  '/v1/devboxes/disk_snapshots/public/metadata/keys/{key}/values': {
    make: async (owner, server) => {
      const { id } = await makeSnapshot(owner);
      return { params: { key: 'owner' }, observe: observeSnapshot(owner, server, id) };
    },
    unknown: () => ({ key: 'nobody' }),
    strangerStatus: 200,
  },
  '/v1/blueprints/{id}': {
    make: async (owner, server) => {
      const { id } = await makeBlueprint(owner);
      return { params: { id }, observe: observeBlueprint(owner, server, id) };
    },
    unknown: () => ({ id: newId('blueprint') }),
  },
  '/v1/blueprints/metadata/keys/{key}/values': blueprintsByKey,
  '/v1/blueprints/public/metadata/keys/{key}/values': blueprintsByKey,
  '/v1/objects/{id}': {
    make: async (owner, server) => {
      const { id } = await makeObject(owner);
      return { params: { id }, observe: observeObject(owner, server, id) };
    },
    unknown: () => ({ id: newId('object') }),
  },
  // Without a signature nobody gets as far as to learn what there is.
  '/v1/objects/{id}/content': {
    make: async (owner, server) => {
      const { id } = await makeObject(owner);
      return { params: { id }, observe: observeObject(owner, server, id) };
    },
    unknown: () => ({ id: newId('object') }),
    query: 'expires=9999999999&signature=none',
    strangerStatus: 403,
  },
  '/v1/objects/metadata/keys/{key}/values': {
    make: async (owner, server) => {
      const { id } = await makeObject(owner);
      return { params: { key: 'owner' }, observe: observeObject(owner, server, id) };
    },
    unknown: () => ({ key: 'nobody' }),
    strangerStatus: 200,
  },
  '/v1/devboxes/metadata/keys/{key}/values': {
    make: async (owner, server) => {
      const { id } = await makeDevbox(owner);
      return { params: { key: 'owner' }, observe: observeDevbox(owner, server, id) };
    },
    unknown: () => ({ key: 'nobody' }),
    strangerStatus: 200,
  },
};

/** Bodies by operation: a valid one each, that would do something if it were let through. Routes that accept `{}` may be left out. */
export const bodies: Readonly<Record<string, unknown>> = {
  updateSecret: { value: 'stolen' },
  updateSecretById: { value: 'stolen' },
  updateDevbox: { name: 'stolen', metadata: {} },
  updateDiskSnapshot: { name: 'stolen', metadata: {} },
  forkDevbox: { count: 2 },
  waitForDevboxStatus: { statuses: ['running', 'shutdown'], timeout_seconds: 1 },
  execute: { command: 'echo stolen', command_id: randomUUID() },
  executeAsync: { command: 'echo stolen' },
  executeSync: { command: 'echo stolen' },
  waitForExecutionStatus: { statuses: ['running', 'completed'], timeout_seconds: 1 },
  sendStdIn: { text: 'stolen' },
  readFileContents: { file_path: '/etc/hostname' },
  writeFileContents: { file_path: '/tmp/stolen', contents: 'stolen' },
  writeFile: { file_path: '/tmp/stolen', contents: 'stolen' },
  downloadFile: { path: '/etc/hostname' },
};

/** Bodies that are no JSON. */
export const forms: Readonly<Record<string, () => FormData | string>> = {
  putObjectContent: () => 'stolen',
  uploadFile: () => {
    const form = new FormData();
    form.set('path', '/tmp/stolen');
    form.set('file', new Blob(['stolen']), 'stolen');
    return form;
  },
};
