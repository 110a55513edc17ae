import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What a host remembers of each box's guest link over its own restarts. */
export class LinkStore {
  readonly #nextEpoch: StatementSync;
  readonly #select: StatementSync;
  readonly #setBoot: StatementSync;
  readonly #setConfigured: StatementSync;
  readonly #clearConfigured: StatementSync;
  readonly #epoch: StatementSync;
  readonly #raiseEpoch: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#nextEpoch = database.prepare(
      'INSERT INTO guest_links (box_id, epoch) VALUES (?, 1) ON CONFLICT (box_id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch',
    );
    this.#select = database.prepare('SELECT boot_id, configured_boot_id FROM guest_links WHERE box_id = ?');
    this.#setBoot = database.prepare('UPDATE guest_links SET boot_id = ? WHERE box_id = ?');
    this.#setConfigured = database.prepare('UPDATE guest_links SET configured_boot_id = boot_id WHERE box_id = ?');
    this.#clearConfigured = database.prepare('UPDATE guest_links SET configured_boot_id = NULL WHERE box_id = ?');
    this.#epoch = database.prepare('SELECT epoch FROM guest_links WHERE box_id = ?');
    this.#raiseEpoch = database.prepare(
      'INSERT INTO guest_links (box_id, epoch) VALUES (?, ?) ON CONFLICT (box_id) DO UPDATE SET epoch = max(epoch, excluded.epoch)',
    );
    this.#forget = database.prepare('DELETE FROM guest_links WHERE box_id = ?');
  }

  /** Begins a life of the host for this box: greater than any before, from 1. */
  nextEpoch(boxId: string): number {
    return Number(this.#nextEpoch.get(boxId)?.epoch ?? 1);
  }

  /** The guest that answered last, and whether it is the one that was configured. */
  boot(boxId: string): { readonly bootId: string | undefined; readonly configured: boolean } {
    const row = this.#select.get(boxId);
    const bootId = typeof row?.boot_id === 'string' ? row.boot_id : undefined;
    return { bootId, configured: bootId !== undefined && row?.configured_boot_id === bootId };
  }

  setBoot(boxId: string, bootId: string): void {
    this.#setBoot.run(bootId, boxId);
  }

  /** The guest that answered last has been configured. */
  setConfigured(boxId: string): void {
    this.#setConfigured.run(boxId);
  }

  /** The guest has to be configured before anything else is asked of it, whichever it is. */
  clearConfigured(boxId: string): void {
    this.#clearConfigured.run(boxId);
  }

  /** The present life of the host for this box; 0 when there was none. */
  epoch(boxId: string): number {
    return Number(this.#epoch.get(boxId)?.epoch ?? 0);
  }

  /** Later lives for this box have greater numbers than this one: the guest knows streams of so many lives already. */
  raiseEpoch(boxId: string, epoch: number): void {
    this.#raiseEpoch.run(boxId, epoch);
  }

  forget(boxId: string): void {
    this.#forget.run(boxId);
  }
}
