import type { ObjectContentType, ObjectState } from '@berth/contract';
import { type RawBuilder, sql } from 'kysely';
import type { BlobInfo } from '../blobs/blob-store.ts';
import type { Database } from '../database/database.ts';
import { createOnce } from '../idempotency/create-once.ts';
import type { StoredObject } from './object.ts';

export interface NewObject {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly contentType: ObjectContentType;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ttlMs: number | null;
  readonly isPublic: boolean;
}

/** An upload whose blob the store has. */
export interface WholeUpload {
  readonly id: string;
  readonly accountId: string;
  readonly blobKey: string;
  readonly info: BlobInfo;
}

/** Takes the record of the token back with it. */
class NotCompleted extends Error {}

/** Rows of `objects`, one at a time, and of the blobs that no object names. Times come from the clock of the database. */
export class ObjectStore {
  readonly #database: Database;
  /** This run of the server. */
  readonly #owner: string;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /** Writes the object as UPLOADING, once per token, and gives the id that the token stands for. */
  async insert(object: NewObject, token: string | undefined): Promise<string> {
    const { id } = await createOnce(this.#database, token, object.id, async (transaction) => {
      await sql`
        insert into objects (id, account_id, name, content_type, state, metadata, is_public, create_ms, delete_after_ms)
        select ${object.id}, ${object.accountId}, ${object.name}, ${object.contentType}, 'UPLOADING',
          ${JSON.stringify(object.metadata)}::jsonb, ${object.isPublic}, moment.ms, moment.ms + ${object.ttlMs}::bigint
        from (select now_ms() as ms) moment
      `.execute(transaction);
    });
    return id;
  }

  /** The object of that id, of whatever account. */
  async find(id: string): Promise<StoredObject | undefined> {
    return this.#database.selectFrom('objects').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** The object if the account may know of it: its own, or a public one. */
  async findVisible(accountId: string, id: string): Promise<StoredObject | undefined> {
    const object = await this.find(id);
    return object?.account_id === accountId || object?.is_public === true ? object : undefined;
  }

  /**
   * UPLOADING → READ_ONLY, once per token: a call whose answer was lost is answered again. Undefined when it is not the account's, not
   * UPLOADING, or nothing was uploaded.
   */
  async complete(accountId: string, id: string, token: string | undefined): Promise<StoredObject | undefined> {
    let completed: StoredObject | undefined;
    try {
      const { created } = await createOnce(this.#database, token, id, async (transaction) => {
        completed = await transaction
          .updateTable('objects')
          .set({ state: 'READ_ONLY' })
          .where('id', '=', id)
          .where('account_id', '=', accountId)
          .where('state', '=', 'UPLOADING')
          .where('blob_key', 'is not', null)
          .returningAll()
          .executeTakeFirstOrThrow(() => new NotCompleted());
      });
      return created ? completed : await this.find(id);
    } catch (error) {
      if (error instanceof NotCompleted) {
        return undefined;
      }
      throw error;
    }
  }

  /** → DELETED; its blob is to be removed. Undefined when the account has no such object. */
  async delete(accountId: string, id: string): Promise<StoredObject | undefined> {
    await this.#end('DELETED', sql`id = ${id} and account_id = ${accountId} and state <> 'DELETED'`);
    const object = await this.find(id);
    return object?.account_id === accountId ? object : undefined;
  }

  /** Ends what is due: past its time → DELETED; not uploaded for too long → ERROR. */
  async endDue(uploadMs: number): Promise<void> {
    await this.#end('DELETED', sql`state in ('UPLOADING', 'READ_ONLY') and delete_after_ms <= now_ms()`);
    await this.#end('ERROR', sql`state = 'UPLOADING' and create_ms <= now_ms() - ${uploadMs}::bigint`);
  }

  /** Time until something is due; undefined when nothing is. */
  async nextDueInMs(uploadMs: number): Promise<number | undefined> {
    const found = await sql<{ ms: number | null }>`
      select least(
        (select min(delete_after_ms) from objects where state in ('UPLOADING', 'READ_ONLY') and delete_after_ms is not null),
        (select min(create_ms) + ${uploadMs}::bigint from objects where state = 'UPLOADING')
      ) - now_ms() as ms
    `.execute(this.#database);
    return found.rows[0]?.ms ?? undefined;
  }

  /** Written before the store is asked to keep the blob. */
  async beginUpload(blobKey: string): Promise<void> {
    await sql`insert into loose_blobs (blob_key, owner, since_ms) values (${blobKey}, ${this.#owner}, now_ms())`.execute(
      this.#database,
    );
  }

  /** What the account keeps in objects, but for the one that is named. */
  async keptBytes(accountId: string, butFor = ''): Promise<number> {
    return keptBytes(this.#database, accountId, butFor);
  }

  /**
   * The blob is the object's content now, in place of an earlier one. False when the object takes no content (any more). `checkQuota` is told
   * what the account keeps beside it, and may throw.
   */
  async endUpload(
    { id, accountId, blobKey, info }: WholeUpload,
    checkQuota: (otherBytes: number) => void,
  ): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      // One at a time in an account: what another one is about to add counts.
      await sql`select pg_advisory_xact_lock(hashtextextended(${`objects:${accountId}`}, 0))`.execute(transaction);
      const before = await transaction
        .selectFrom('objects')
        .select(['blob_key', 'state'])
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst();
      if (before?.state !== 'UPLOADING') {
        return false;
      }
      const claimed = await sql`delete from loose_blobs where blob_key = ${blobKey} and owner = ${this.#owner}`.execute(
        transaction,
      );
      if (claimed.numAffectedRows === 0n) {
        return false;
      }
      checkQuota(await keptBytes(transaction, accountId, id));
      await sql`
        update objects set blob_key = ${blobKey}, size_bytes = ${info.sizeBytes}, checksum = ${info.checksum} where id = ${id}
      `.execute(transaction);
      if (before.blob_key !== null) {
        await sql`insert into loose_blobs (blob_key, since_ms) values (${before.blob_key}, now_ms())`.execute(
          transaction,
        );
      }
      return true;
    });
  }

  /** The upload came to nothing: its blob is to be removed. */
  async dropUpload(blobKey: string): Promise<void> {
    await sql`update loose_blobs set owner = null where blob_key = ${blobKey}`.execute(this.#database);
  }

  /** Blobs to be removed: those nobody wants, and what earlier runs of the server were uploading. */
  async looseBlobs(): Promise<string[]> {
    const found = await sql<{ blob_key: string }>`
      select blob_key from loose_blobs where owner is distinct from ${this.#owner} order by since_ms limit 1000
    `.execute(this.#database);
    return found.rows.map((row) => row.blob_key);
  }

  /** The store has removed the blob. */
  async forgetBlob(blobKey: string): Promise<void> {
    await sql`delete from loose_blobs where blob_key = ${blobKey} and owner is distinct from ${this.#owner}`.execute(
      this.#database,
    );
  }

  async #end(state: Extract<ObjectState, 'DELETED' | 'ERROR'>, which: RawBuilder<unknown>): Promise<void> {
    await sql`
      with ended as (
        select id, blob_key from objects where ${which} for update
      ), changed as (
        update objects set state = ${state}, blob_key = null from ended where objects.id = ended.id
      )
      insert into loose_blobs (blob_key, since_ms) select blob_key, now_ms() from ended where blob_key is not null
    `.execute(this.#database);
  }
}

const keptBytes = async (database: Database, accountId: string, butFor: string): Promise<number> => {
  const found = await sql<{ bytes: number }>`
    select coalesce(sum(size_bytes), 0)::bigint as bytes from objects
    where account_id = ${accountId} and blob_key is not null and id <> ${butFor}
  `.execute(database);
  return found.rows[0]?.bytes ?? 0;
};
