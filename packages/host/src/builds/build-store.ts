import type { DatabaseSync } from 'node:sqlite';
import { HostError } from '../contract/index.ts';
import { RowTable } from '../local/row-table.ts';
import { firmly } from '../spool/database.ts';
import {
  type BuildRow,
  buildColumns,
  type ImageRow,
  imageColumns,
  prepareBuildTables,
  type StoreRow,
  storeColumns,
} from './build-rows.ts';

/** Rows of one table, on disk and in memory: every change is on disk before it is acted on. */
class Rows<Row extends { readonly id: string }> {
  readonly #database: DatabaseSync;
  readonly #table: RowTable<Row>;
  readonly #rows = new Map<string, Row>();

  constructor(database: DatabaseSync, table: RowTable<Row>) {
    this.#database = database;
    this.#table = table;
    for (const row of table.all()) {
      this.#rows.set(row.id, row);
    }
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  /** Durable when it returns. */
  put(row: Row): Row {
    this.#table.put(row);
    this.#rows.set(row.id, row);
    return row;
  }

  /** The same, and a power loss does not take it away. */
  putFirmly(row: Row): Row {
    return firmly(this.#database, () => this.put(row));
  }

  delete(id: string): void {
    this.#table.delete(id);
    this.#rows.delete(id);
  }
}

/** All that the host remembers of builds, images and what they lie in. */
export class BuildStore {
  readonly builds: Rows<BuildRow>;
  readonly stores: Rows<StoreRow>;
  readonly images: Rows<ImageRow>;

  constructor(database: DatabaseSync) {
    prepareBuildTables(database);
    this.builds = new Rows(database, new RowTable(database, 'builds', buildColumns, ['spec', 'image']));
    this.stores = new Rows(database, new RowTable(database, 'image_stores', storeColumns, ['layers', 'images']));
    this.images = new Rows(
      database,
      new RowTable(database, 'images', imageColumns, ['layers', 'environment', 'command', 'labels']),
    );
  }

  /** @throws HostError `imageUnavailable` */
  requireImage(imageId: string): ImageRow {
    const image = this.images.get(imageId);
    if (image?.phase !== 'ready') {
      throw new HostError('imageUnavailable', `there is no image ${imageId}`);
    }
    return image;
  }

  /** A box or a build begins upon these stores: they are the last to go. */
  touch(stores: Iterable<string>): void {
    const usedMs = Date.now();
    for (const id of new Set(stores)) {
      const row = this.stores.get(id);
      if (row !== undefined) {
        this.stores.put({ ...row, usedMs });
      }
    }
  }
}
