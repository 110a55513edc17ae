import type { DatabaseSync } from 'node:sqlite';
import { HostError, type Layer } from '../contract/index.ts';
import type { OwnerRange } from '../runtimes/oci/owner-range.ts';
import { firmly } from '../spool/database.ts';
import { type BoxRow, isNobodys } from './box-row.ts';
import { prepareBoxTable } from './box-schema.ts';
import { RowTable } from './row-table.ts';

const columns: Readonly<Record<keyof BoxRow, string>> = {
  place: 'place',
  id: 'id',
  phase: 'phase',
  isolation: 'isolation',
  slot: 'slot',
  size: 'size',
  layers: 'layers',
  imageEnvironment: 'image_environment',
  pid: 'pid',
  startTimeTicks: 'start_time_ticks',
  netSlot: 'net_slot',
  ipv4: 'ipv4',
  networkOf: 'network_of',
  cause: 'cause',
  detail: 'detail',
  startedMs: 'started_ms',
  stoppedMs: 'stopped_ms',
  memory: 'memory',
};

/** Boxes on disk: every change is there before it is acted on. Rows are kept in memory too; the disk is read once. */
export class BoxStore {
  readonly #database: DatabaseSync;
  readonly #table: RowTable<BoxRow>;
  readonly #rows = new Map<string, BoxRow>();
  readonly #places = new Map<string, string>();

  constructor(database: DatabaseSync, defaultLayers: readonly Layer[] = []) {
    this.#database = database;
    prepareBoxTable(database, defaultLayers);
    this.#table = new RowTable(database, 'boxes', columns, ['size', 'layers', 'imageEnvironment']);
    for (const row of this.#table.all()) {
      this.#remember(row);
    }
  }

  /** The box of this id; one that is nobody's has none. */
  get(boxId: string): BoxRow | undefined {
    const place = this.#places.get(boxId);
    return place === undefined ? undefined : this.#rows.get(place);
  }

  /** The box of this id. @throws HostError `boxNotFound` */
  require(boxId: string): BoxRow {
    const row = this.get(boxId);
    if (!row) {
      throw new HostError('boxNotFound', `no box ${boxId}`);
    }
    return row;
  }

  /** The box in this place. */
  at(place: string): BoxRow | undefined {
    return this.#rows.get(place);
  }

  /** The box in this place. @throws HostError `boxNotFound` */
  requireAt(place: string): BoxRow {
    const row = this.#rows.get(place);
    if (!row) {
      throw new HostError('boxNotFound', `no box in ${place}`);
    }
    return row;
  }

  /** Sidecars of this box that are not gone. */
  sidecarsOf(boxId: string): BoxRow[] {
    return this.all().filter(({ networkOf, phase }) => networkOf === boxId && phase !== 'destroyed');
  }

  all(): BoxRow[] {
    return [...this.#rows.values()];
  }

  /** Smallest slot that no present box has. @throws HostError `noSpace` when all of them are taken */
  freeSlot({ boxes }: Pick<OwnerRange, 'boxes'>): number {
    const taken = new Set<number>();
    for (const row of this.#rows.values()) {
      if (row.phase !== 'destroyed') {
        taken.add(row.slot);
      }
    }
    let slot = 0;
    while (taken.has(slot)) {
      slot++;
    }
    if (slot >= boxes) {
      throw new HostError('noSpace', `this host has user ids for ${boxes} boxes, and as many are there`);
    }
    return slot;
  }

  /** Writes the row of its place, then remembers it. Durable when it returns. */
  put(row: BoxRow): BoxRow {
    this.#table.put(row);
    const before = this.#rows.get(row.place);
    if (before !== undefined && before.id !== row.id) {
      this.#places.delete(before.id);
    }
    this.#remember(row);
    return row;
  }

  /** The same, and a power loss does not take it away. */
  putFirmly(row: BoxRow): BoxRow {
    return firmly(this.#database, () => this.put(row));
  }

  update(place: string, change: Partial<BoxRow>): BoxRow {
    return this.put({ ...this.requireAt(place), ...change });
  }

  delete(place: string): void {
    this.#table.delete(place);
    const row = this.#rows.get(place);
    this.#rows.delete(place);
    if (row) {
      this.#places.delete(row.id);
    }
  }

  #remember(row: BoxRow): void {
    this.#rows.set(row.place, row);
    if (!isNobodys(row)) {
      this.#places.set(row.id, row.place);
    }
  }
}
