import { writeSync } from 'node:fs';
import { connectHost } from '@berth/host/client';
import { destination, pino } from 'pino';
import { ConfigError, readConfig } from './config/config.ts';
import { refuseRoot } from './config/privileges.ts';
import { migrate } from './database/migrate.ts';
import { isDatabaseUnavailable } from './database/unavailable.ts';
import { readMasterKey } from './secrets/master-key.ts';
import { createServer } from './server.ts';

/** The control plane as a process: serves until SIGTERM or SIGINT. A second signal ends it at once. */
const serve = async (): Promise<void> => {
  refuseRoot(process.env);
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { part: 'server' } }, destination(2));
  const masterKey = await readMasterKey(config.masterKeyFile);
  await migrateWhenReachable(config.databaseUrl, (problem) => log.warn({ problem }, 'waiting for the database'));
  const host = connectHost(config.hostSocket);
  const server = await createServer({
    databaseUrl: config.databaseUrl,
    host,
    masterKey,
    log,
    admission: config.admission,
    repositories: config.repositories,
    mountCacheBytes: config.mountCacheBytes,
    blueprints: config.blueprints,
    objects: config.objects,
    reconciler: {
      defaultIsolation: config.isolation,
      ...(config.suspendedTtlMs === undefined ? {} : { suspendedTtlMs: config.suspendedTtlMs }),
    },
  });
  const port = await server.start(config.port, config.listenAddress).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE'
      ? new ConfigError(`port ${config.port} on ${config.listenAddress} is in use; choose another BERTH_PORT`)
      : error;
  });
  log.info({ address: config.listenAddress, port }, 'listening');

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) {
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    await server.stop();
    await host.close();
    log.info('stopped');
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void stop(signal));
  }
};

const pauseMs = 500;

/** The supervisor may start the server before the database: wait for it. A migration that fails for another reason is fatal. */
const migrateWhenReachable = async (url: string, onWait: (problem: string) => void): Promise<void> => {
  for (;;) {
    try {
      await migrate(url);
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) {
        throw error;
      }
      onWait(error instanceof Error ? error.message : String(error));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
};

try {
  await serve();
} catch (error) {
  const text =
    error instanceof ConfigError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  writeSync(2, `berth server: ${text}\n`);
  // The connection to the host would keep the process alive.
  process.exit(1);
}
