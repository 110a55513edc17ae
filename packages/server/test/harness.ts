import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { pino } from 'pino';
import { AccountService } from '../src/accounts/service.ts';
import { ApiKeyService } from '../src/api-keys/service.ts';
import type { Route } from '../src/http/route.ts';
import { MasterKey } from '../src/secrets/master-key.ts';
import { createServer, type Server, type ServerOptions } from '../src/server.ts';
import { createTestDatabase } from './database.ts';

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** Calls the server as one account. */
export interface TestCaller {
  readonly account: string;
  readonly key: string;
  /** Body: an object is sent as JSON, text as it is. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<JsonAnswer>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** A whole server in this process, on a port of its own, with a database of its own. */
export interface TestServer {
  readonly server: Server;
  readonly host: Host;
  readonly baseUrl: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** A caller with a fresh account and key. */
  newCaller(name?: string): Promise<TestCaller>;
  callerWithKey(account: string, key: string): TestCaller;
  /** Stops the server and drops the database. */
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly host?: Host;
  readonly extraRoutes?: readonly Route[];
  readonly frontDoor?: ServerOptions['frontDoor'];
  readonly reconciler?: ServerOptions['reconciler'];
  readonly admission?: ServerOptions['admission'];
  readonly objects?: Partial<ServerOptions['objects']>;
  readonly repositories?: ServerOptions['repositories'];
  readonly mountCacheBytes?: number;
  /** An existing database is used, and kept. */
  readonly databaseUrl?: string;
  readonly masterKey?: MasterKey;
}

const caller = (baseUrl: string, account: string, key: string): TestCaller => {
  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(baseUrl + path, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string> | undefined) },
    });
  return {
    account,
    key,
    fetch: send,
    async call(method, path, body, headers) {
      const answer = await send(path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.includes('json') === true;
      return { status: answer.status, headers: answer.headers, json: isJson ? JSON.parse(text) : text };
    },
  };
};

/** Starts a server for tests; every answer is checked against its schema. */
export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const database = options.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? database?.url ?? '';
  const host = options.host ?? new FakeHost();
  // Made by the first object, so that a server that a test kills leaves nothing.
  const blobs = options.objects?.blobs ?? join(tmpdir(), `berth-blobs-${randomUUID()}`);
  const server = await createServer({
    databaseUrl,
    host,
    masterKey: options.masterKey ?? new MasterKey(randomBytes(32)),
    log: pino({ level: process.env.BERTH_TEST_LOG ?? 'silent' }),
    objects: { blobs, ...options.objects },
    checkAnswers: true,
    ...(options.extraRoutes === undefined ? {} : { extraRoutes: options.extraRoutes }),
    ...(options.reconciler === undefined ? {} : { reconciler: options.reconciler }),
    ...(options.admission === undefined ? {} : { admission: options.admission }),
    ...(options.mountCacheBytes === undefined ? {} : { mountCacheBytes: options.mountCacheBytes }),
    ...(options.repositories === undefined ? {} : { repositories: options.repositories }),
    ...(options.frontDoor === undefined ? {} : { frontDoor: options.frontDoor }),
  });
  const port = await server.start(0, '127.0.0.1');
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    server,
    host,
    baseUrl,
    port,
    databaseUrl,
    async newCaller(name = 'test') {
      const account = await new AccountService(server.parts.database).create(name);
      const key = await new ApiKeyService(server.parts.database).create(account.id, {});
      return caller(baseUrl, account.id, key.key_secret);
    },
    callerWithKey: (account, key) => caller(baseUrl, account, key),
    async close() {
      await server.stop(1_000);
      await host.close();
      await database?.drop();
      if (options.objects?.blobs === undefined) {
        await rm(blobs, { recursive: true, force: true });
      }
    },
  };
};
