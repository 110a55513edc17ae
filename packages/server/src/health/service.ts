import type { Readiness } from '@berth/contract';
import type { Host } from '@berth/host/contract';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** A part that does not answer within this time counts as away. */
const checkTimeoutMs = 3_000;

const within = async (work: Promise<unknown>): Promise<Readiness['checks'][string]> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkTimeoutMs} ms`)), checkTimeoutMs);
  });
  try {
    await Promise.race([work, late]);
    return { ok: true };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
};

/** Whether this server can do its work: database and host are reachable. */
export class HealthService {
  readonly #database: Database;
  readonly #host: Pick<Host, 'describe'>;
  readonly #closing: AbortSignal;

  constructor(parts: {
    readonly database: Database;
    readonly host: Pick<Host, 'describe'>;
    readonly closing: AbortSignal;
  }) {
    this.#database = parts.database;
    this.#host = parts.host;
    this.#closing = parts.closing;
  }

  async readiness(): Promise<Readiness> {
    const [database, host] = await Promise.all([
      within(sql`select 1`.execute(this.#database)),
      within(this.#host.describe()),
    ]);
    const serving = this.#closing.aborted ? { ok: false, detail: 'shutting down' } : { ok: true };
    return { ready: database.ok && host.ok && serving.ok, checks: { database, host, serving } };
  }
}
