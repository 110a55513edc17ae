import { pino } from 'pino';
import { z } from 'zod';
import { type Config, ConfigError, readConfig } from './config/config.ts';
import { refuseRoot } from './config/privileges.ts';
import { openDatabase } from './database/database.ts';
import { type LayerRow, LayerStore } from './layers/store.ts';

/** What the operator asks of this program: nothing removed, it shows all that there are. */
export const mountCacheRequest = z.strictObject({
  /** Ids of layers that are to go. */
  remove: z.array(z.string()).optional(),
});
export type MountCacheRequest = z.input<typeof mountCacheRequest>;

export interface MountCacheAnswer {
  /** What there is, or what was removed; least recently used first. */
  readonly layers: readonly LayerRow[];
}

/**
 * Shows or removes layers of mounts, past the API: they belong to no account, and only whoever reaches the database can. A server that runs has its host
 * let go of them at once, another with its next connection to the host. Safe to repeat: what is gone, or is being made, is left alone.
 */
export const mountCache = async (
  config: Pick<Config, 'databaseUrl'>,
  request: MountCacheRequest,
): Promise<MountCacheAnswer> => {
  const { remove } = mountCacheRequest.parse(request);
  const database = openDatabase({ url: config.databaseUrl, log: pino({ level: 'silent' }), maximumConnections: 1 });
  try {
    const store = new LayerStore(database);
    return { layers: remove === undefined ? await store.all() : await store.removeReady(remove) };
  } finally {
    await database.destroy();
  }
};

if (import.meta.main) {
  try {
    refuseRoot(process.env);
    const request = JSON.parse(process.argv[2] ?? '') as MountCacheRequest;
    process.stdout.write(`${JSON.stringify(await mountCache(readConfig(process.env), request))}\n`);
  } catch (error) {
    const text = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
    process.stderr.write(`berth mount-cache: ${text}\n`);
    process.exitCode = 1;
  }
}
