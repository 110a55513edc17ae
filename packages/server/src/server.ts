import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notYetRoutes as notYet } from '@berth/contract';
import type { Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import { AccountLimitService } from './accounts/limits.ts';
import { AccountSettingsService } from './accounts/settings.ts';
import { type AdmissionSettings, defaultAdmissionSettings } from './admission/settings.ts';
import { Authentication, apiKeysTopic } from './api-keys/authentication.ts';
import type { BlueprintSettings } from './blueprints/settings.ts';
import { openDatabase } from './database/database.ts';
import { NotificationHub } from './database/notifications.ts';
import { isDevboxTopic } from './devboxes/announce.ts';
import type { FeatureParts } from './feature.ts';
import { features } from './features.ts';
import { healthRoutes } from './health/routes.ts';
import { HealthService } from './health/service.ts';
import { buildApp } from './http/app.ts';
import { listenAtDoor } from './http/door.ts';
import { FrontDoor, type FrontDoorOptions } from './http/front-door.ts';
import { notYetRoutes } from './http/not-yet.ts';
import type { Route } from './http/route.ts';
import { IdempotencyService } from './idempotency/service.ts';
import { Metrics } from './metrics/metrics.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { objectParts } from './objects/parts.ts';
import { defaultObjectSettings, type ObjectSettings } from './objects/settings.ts';
import { openApiRoutes } from './openapi/routes.ts';
import type { ReconcilerSettings } from './reconciler/settings.ts';
import { Repositories } from './repositories/repositories.ts';
import { defaultRepositorySettings, type RepositorySettings } from './repositories/settings.ts';
import type { MasterKey } from './secrets/master-key.ts';
import { SecretService } from './secrets/service.ts';

/** Version that `/openapi.json` states. */
export const serverVersion = '0.1.0';

export interface ServerOptions {
  readonly databaseUrl: string;
  readonly host: Host;
  readonly masterKey: MasterKey;
  readonly log: Logger;
  readonly reconciler?: Partial<ReconcilerSettings>;
  readonly admission?: Partial<AdmissionSettings>;
  readonly blueprints?: Partial<BlueprintSettings>;
  /** Bound of mounts that are kept to be shared by boxes; 0 keeps none. */
  readonly mountCacheBytes?: number | undefined;
  /** How repositories are fetched; mirrors lie in a temporary directory unless another is named. */
  readonly repositories?: Partial<RepositorySettings>;
  /** Where and how objects are kept. */
  readonly objects: Pick<ObjectSettings, 'blobs'> & Partial<ObjectSettings>;
  readonly frontDoor?: Omit<FrontDoorOptions, 'onRequest'>;
  /** Further routes, for tests of the kernel. */
  readonly extraRoutes?: readonly Route[];
  /** Checks every answer against its schema. For tests. */
  readonly checkAnswers?: boolean;
}

/** A server that can be started and stopped. */
export interface Server {
  /** All routes that are served, the 501 ones left out. */
  readonly routes: readonly Route[];
  readonly parts: FeatureParts;
  readonly frontDoor: FrontDoor;
  /** Listens and starts the background work. Resolves with the port. */
  start(port: number, address: string): Promise<number>;
  /** Ends long polls and streams so that clients come back, lets other requests end for `graceMs`, then closes all. */
  stop(graceMs?: number): Promise<void>;
}

const sweepIntervalMs = 600_000;

/** Puts the server together. Does no I/O yet. */
export const createServer = async (options: ServerOptions): Promise<Server> => {
  const { log, host } = options;
  const closing = new AbortController();
  const backends = new Set<number>();
  const database = openDatabase({ url: options.databaseUrl, log, backends });
  const hub = new NotificationHub({
    url: options.databaseUrl,
    log,
    // Whoever changes a box here tells this process without the detour.
    isKnown: (topic, backend) => isDevboxTopic(topic) && backends.has(backend),
  });
  const limits = new AccountLimitService(database, hub, { ...defaultAdmissionSettings, ...options.admission });
  const metrics = new Metrics();
  const secrets = new SecretService({ database, masterKey: options.masterKey });
  const idempotency = new IdempotencyService({ database, owner: randomUUID(), log });
  const authentication = new Authentication(database);
  const repositories = new Repositories(
    { directory: join(tmpdir(), 'berth-repositories'), ...defaultRepositorySettings, ...options.repositories },
    log,
  );
  let port = 0;
  let leaveDoor: () => void = () => undefined;
  const { doorAddress } = options.objects;
  const parts: FeatureParts = {
    database,
    hub,
    host,
    accountSettings: new AccountSettingsService(database, hub),
    limits,
    secrets,
    repositories,
    objects: objectParts(
      { database, limits, masterKey: options.masterKey, port: () => port },
      { ...defaultObjectSettings, ...options.objects },
    ),
    metrics,
    log,
    reconciler: options.reconciler ?? {},
    admission: options.admission ?? {},
    blueprints: options.blueprints ?? {},
    ...(options.mountCacheBytes === undefined ? {} : { mountCacheBytes: options.mountCacheBytes }),
  };
  const running = features.map((feature) => feature(parts));

  const served = [
    ...running.flatMap((feature) => feature.routes),
    ...healthRoutes(new HealthService({ database, host, closing: closing.signal })),
    ...metricsRoutes(metrics),
    ...(options.extraRoutes ?? []),
  ];
  const openApi = openApiRoutes(
    served.map((route) => route.contract),
    serverVersion,
  );
  const routes = [...served, ...openApi];
  const { app, listener } = await buildApp({
    routes: [...routes, ...notYetRoutes(notYet)],
    authenticate: (headers) => authentication.authenticate(headers),
    idempotency,
    log,
    closing: closing.signal,
    onDone: (...request) => metrics.request(...request),
    checkAnswers: options.checkAnswers ?? false,
    ...(doorAddress === undefined ? {} : { doorAddress }),
  });
  const frontDoor = new FrontDoor({ ...options.frontDoor, onRequest: listener });
  metrics.gauge('berth_http_connections', 'Open connections', () => frontDoor.connections);
  metrics.gauge('berth_waiters', 'Long polls and streams that wait for an announcement', () => hub.waiters);
  metrics.gauge('berth_database_listening', '1 while announcements of the database are received', () =>
    Number(hub.connected),
  );

  hub.subscribe(apiKeysTopic, () => authentication.forget());
  const sweep = setInterval(() => {
    idempotency.sweep().catch((error: unknown) => log.warn({ err: error }, 'old idempotency keys not deleted'));
  }, sweepIntervalMs);
  sweep.unref();

  return {
    routes,
    parts,
    frontDoor,
    async start(wanted, address) {
      port = await frontDoor.listen(wanted, address);
      if (doorAddress !== undefined) {
        leaveDoor = listenAtDoor(frontDoor, { doorAddress, port, listenAddress: address }, log);
      }
      await hub.start();
      for (const feature of running) {
        await feature.start?.();
      }
      return port;
    },
    async stop(graceMs = 10_000) {
      clearInterval(sweep);
      leaveDoor();
      closing.abort();
      await frontDoor.close(graceMs);
      for (const feature of [...running].reverse()) {
        await feature.stop?.();
      }
      await app.close();
      await hub.close();
      await database.destroy();
    },
  };
};
