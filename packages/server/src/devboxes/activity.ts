import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import type { DevboxEntry } from './directory.ts';

const openKey = (devboxId: string, executionId: string): string => `${devboxId}/${executionId}`;

/** Touches are written at most this often: a killed server forgets no more. */
const flushEveryMs = 1_000;

/**
 * Remembers when boxes with an idle rule were last used, and which of their executions are still open (design: idle means no execution, no
 * file call). Boxes without such a rule cost nothing.
 */
export class ActivityTracker {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #touchedAt = new Map<string, number>();
  /** Open executions that this process knows of, so that the end of any other costs no query. */
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly database: Database; readonly log: Logger }) {
    this.#database = options.database;
    this.#log = options.log;
  }

  /** Something happened in the box just now. */
  touch(box: Pick<DevboxEntry, 'id' | 'hasIdleRule'>): void {
    if (box.hasIdleRule) {
      this.#touchedAt.set(box.id, performance.now());
      this.#timer ??= setTimeout(() => void this.#flushInBackground(), flushEveryMs);
    }
  }

  /** Written before the execution starts. It keeps the box from being idle until {@link close}. */
  async open(box: Pick<DevboxEntry, 'id' | 'hasIdleRule'>, executionId: string): Promise<void> {
    if (box.hasIdleRule) {
      this.touch(box);
      this.#open.add(openKey(box.id, executionId));
      await this.#database
        .insertInto('open_executions')
        .values({ devbox_id: box.id, execution_id: executionId })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  /** An execution has ended just now, of a box with or without an idle rule. */
  async heardEnd(devboxId: string, executionId: string): Promise<void> {
    if (this.#open.has(openKey(devboxId, executionId))) {
      // Before its row goes: whoever finds it gone finds this too.
      this.touch({ id: devboxId, hasIdleRule: true });
      await this.close(devboxId, executionId);
    }
  }

  /** The execution of a box with an idle rule is over: idleness begins now. */
  async close(devboxId: string, executionId: string): Promise<void> {
    this.#open.delete(openKey(devboxId, executionId));
    const closed = await this.#database
      .deleteFrom('open_executions')
      .where('devbox_id', '=', devboxId)
      .where('execution_id', '=', executionId)
      .returning('devbox_id')
      .executeTakeFirst();
    if (closed !== undefined) {
      this.touch({ id: devboxId, hasIdleRule: true });
    }
  }

  /** Executions of the box that had not ended when last heard of. */
  async openExecutions(devboxId: string): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('open_executions')
      .select('execution_id')
      .where('devbox_id', '=', devboxId)
      .execute();
    return rows.map((row) => row.execution_id);
  }

  /** Writes all touches. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const touched = [...this.#touchedAt];
    if (touched.length === 0) {
      return;
    }
    this.#touchedAt.clear();
    const now = performance.now();
    // Ages, not times: the clock of the database is the only one that counts.
    const ages = touched.map(([, at]) => Math.round(now - at));
    try {
      await sql`
        update devboxes set activity_ms = greatest(activity_ms, now_ms() - touched.age)
        from unnest(${touched.map(([id]) => id)}::text[], ${ages}::bigint[]) as touched (id, age)
        where devboxes.id = touched.id
      `.execute(this.#database);
    } catch (error) {
      for (const [id, at] of touched) {
        this.#touchedAt.set(id, Math.max(at, this.#touchedAt.get(id) ?? 0));
      }
      throw error;
    }
  }

  /** Writes what is left and stops. */
  async stop(): Promise<void> {
    await this.flush().catch(() => undefined);
    clearTimeout(this.#timer);
  }

  async #flushInBackground(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.flush();
    } catch (error) {
      this.#log.warn({ err: error }, 'activity not written, trying again');
      this.#timer ??= setTimeout(() => void this.#flushInBackground(), flushEveryMs);
    }
  }
}
