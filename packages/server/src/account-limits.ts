import { type AccountLimits, accountLimits } from '@berth/contract';
import { pino } from 'pino';
import { z } from 'zod';
import { AccountStore } from './accounts/store.ts';
import { type Config, ConfigError, readConfig } from './config/config.ts';
import { refuseRoot } from './config/privileges.ts';
import { openDatabase } from './database/database.ts';

/** What the operator asks of this program. */
export const limitsRequest = z.strictObject({
  /** The account made first, when left out. */
  account: z.string().optional(),
  /** `null` goes back to what the settings of the server say; what is left out stays. */
  set: z.partialRecord(accountLimits.keyof(), z.number().nonnegative().nullable()),
});
export type LimitsRequest = z.input<typeof limitsRequest>;

/** Limits that are set for the account by itself. */
export interface LimitsAnswer {
  readonly account: string;
  readonly limits: AccountLimits;
}

/**
 * Changes the limits of an account, past the API: only whoever reaches the database can. Servers that run hear of it at once. Safe to repeat.
 * @throws Error when there is no such account
 */
export const changeLimits = async (
  config: Pick<Config, 'databaseUrl'>,
  request: LimitsRequest,
): Promise<LimitsAnswer> => {
  const { account, set } = limitsRequest.parse(request);
  const database = openDatabase({ url: config.databaseUrl, log: pino({ level: 'silent' }), maximumConnections: 1 });
  try {
    const store = new AccountStore(database);
    const row = account === undefined ? await store.first() : await store.find(account);
    if (row === undefined) {
      throw new Error(account === undefined ? 'there is no account yet' : `there is no account ${account}`);
    }
    return { account: row.id, limits: await store.changeLimits(row.id, set) };
  } finally {
    await database.destroy();
  }
};

if (import.meta.main) {
  try {
    refuseRoot(process.env);
    const request = JSON.parse(process.argv[2] ?? '') as LimitsRequest;
    process.stdout.write(`${JSON.stringify(await changeLimits(readConfig(process.env), request))}\n`);
  } catch (error) {
    const text = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
    process.stderr.write(`berth account limits: ${text}\n`);
    process.exitCode = 1;
  }
}
