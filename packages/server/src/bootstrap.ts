import { pino } from 'pino';
import { AccountService } from './accounts/service.ts';
import { ApiKeyService } from './api-keys/service.ts';
import { type Config, ConfigError, readConfig } from './config/config.ts';
import { refuseRoot } from './config/privileges.ts';
import { openDatabase } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { createMasterKey, readMasterKey } from './secrets/master-key.ts';

/** What the bootstrap did. `apiKey` is there only when it made one. */
export interface BootstrapResult {
  readonly apiKey?: string;
  readonly migrations: readonly string[];
}

/**
 * Readies an installation: schema, master key, first account with its first key. Safe to repeat: what exists stays. Refuses to make a new
 * master key when the database holds secrets that the lost one sealed.
 * @param options `needKey`: make a key even when there are some, because the caller lost (or never got) the first
 */
export const bootstrap = async (
  config: Pick<Config, 'databaseUrl' | 'masterKeyFile'>,
  options: { readonly needKey?: boolean } = {},
): Promise<BootstrapResult> => {
  const migrations = await migrate(config.databaseUrl);
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url: config.databaseUrl, log, maximumConnections: 1 });
  try {
    const sealed = await database.selectFrom('secrets').select('key_id').limit(1).executeTakeFirst();
    if (sealed === undefined) {
      await createMasterKey(config.masterKeyFile);
    }
    const masterKey = await readMasterKey(config.masterKeyFile);
    if (sealed !== undefined && sealed.key_id !== masterKey.id) {
      throw new Error(`${config.masterKeyFile} is not the master key that sealed the secrets in the database`);
    }
    const accounts = new AccountService(database);
    const apiKeys = new ApiKeyService(database);
    const account = (await accounts.first()) ?? (await accounts.create('default'));
    if (!options.needKey && (await apiKeys.countOf(account.id)) > 0) {
      return { migrations };
    }
    const key = await apiKeys.create(account.id, { name: 'first key' });
    return { apiKey: key.key_secret, migrations };
  } finally {
    await database.destroy();
  }
};

if (import.meta.main) {
  try {
    refuseRoot(process.env);
    process.stdout.write(
      `${JSON.stringify(await bootstrap(readConfig(process.env), { needKey: process.env.BERTH_NEED_KEY === '1' }))}\n`,
    );
  } catch (error) {
    const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.message : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    process.stderr.write(`berth bootstrap: ${text}${cause}\n`);
    process.exitCode = 1;
  }
}
