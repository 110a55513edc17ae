import type { Logger } from 'pino';
import type { Limits } from '../accounts/limits.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import type { Place } from '../devboxes/insert.ts';
import type { TransitionStore } from '../devboxes/transition-store.ts';
import { apiError } from '../errors/api-error.ts';
import { Sweep } from '../reconciler/sweep.ts';
import type { HostCapacity } from './capacity.ts';
import { type HolderState, holdingOf, nominalSize } from './holding.ts';
import { Ledger } from './ledger.ts';
import { checkQuota, type QuotaDemand } from './quotas.ts';
import { Revisions } from './revisions.ts';
import type { AdmissionSettings } from './settings.ts';
import type { AdmissionStore } from './store.ts';
import { type Verdict, type Waiter, WaitingLine } from './waiting-line.ts';

export interface AdmissionParts {
  readonly store: AdmissionStore;
  readonly transitions: () => Pick<TransitionStore, 'apply'>;
  readonly capacity: HostCapacity;
  readonly settings: AdmissionSettings;
  readonly limits: Limits;
  readonly log: Logger;
  /** A box has left the line. */
  readonly onAdmitted: (id: string) => void;
  /** Evictions were announced: something is due in this time. */
  readonly onEviction: (inMs: number) => void;
}

/** While boxes wait, their chances are looked at this often, whatever is heard. */
const lookAgainMs = 1_000;

type Shortage = 'a start slot' | 'memory' | 'disk';

const waiterOf = (box: HolderState): Waiter => {
  const asStarting = holdingOf({ ...box, status: 'provisioning' });
  return {
    id: box.id,
    accountId: box.accountId,
    ...nominalSize(box),
    // A box that exists already, on its disk, asks for none.
    ...(box.resume === null ? {} : { diskBytes: 0 }),
    starts: asStarting?.starts ?? true,
    evicts: box.launchParameters.provisioning_tier !== 'flex',
    sinceMs: performance.now(),
  };
};

/**
 * Decides which boxes may start: as many as the host has start slots, memory and disk for, by turns of their accounts. What waits is a row
 * in status `queued`, so that a restart forgets none; the sums are kept in memory and read from the rows at the start.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #ledger = new Ledger();
  readonly #line = new WaitingLine();
  readonly #revisions = new Revisions();
  readonly #evicted = new Set<string>();
  readonly #sweep: Sweep;
  /** Boxes heard of while rows are being read, for each such read: what was heard is newer. */
  readonly #heard = new Set<Set<string>>();
  #isReady = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#sweep = new Sweep({
      name: 'admission',
      log: parts.log,
      run: () => this.#look().finally(() => this.#again()),
    });
  }

  /** Reads the rows and begins. A database that is away is tried again. */
  async start(): Promise<void> {
    await this.#load().catch((error: unknown) =>
      this.#parts.log.warn({ err: error }, 'admission waits for the database'),
    );
    this.#sweep.soon();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sweep.stop();
  }

  /** Number of boxes that wait. */
  get length(): number {
    return this.#line.length;
  }

  /** Whether somebody who may have others evicted waits for memory. */
  get isShortOfMemory(): boolean {
    return [...this.#line.heads()].some((head) => head.evicts && this.#shortage(head) === 'memory');
  }

  /** What an account has at the moment. */
  sums(accountId: string): ReturnType<Ledger['ofAccount']> {
    return this.#ledger.ofAccount(accountId);
  }

  /**
   * Throws `quotaExceeded` when the account would have more than its quotas allow, `exceedsHost` for a box that never fits. Before it refuses
   * it looks at the rows: a caller may see a change a moment before this process hears of it.
   */
  async require(accountId: string, demand: QuotaDemand): Promise<void> {
    const { largest } = demand;
    if (largest !== undefined && largest.memoryBytes > this.#parts.capacity.memoryBytes) {
      throw apiError('exceedsHost', { what: 'memory' });
    }
    const quotas = await this.#parts.limits.of(accountId);
    const check = (): void => checkQuota(quotas, this.#ledger.ofAccount(accountId), demand);
    try {
      check();
    } catch {
      await this.#read(() => this.#parts.store.holders(accountId));
      check();
    }
  }

  /**
   * Books the box that is about to be written, or resumed, and says in which status. Call {@link changed} with what became of it (only then
   * it stands in the line), {@link forget} when nothing did, or {@link reload} when that is not known.
   */
  place(box: HolderState): Place {
    const waiter = waiterOf(box);
    const shortage = this.#isReady && this.#line.length === 0 ? this.#shortage(waiter) : 'its turn';
    const status = shortage === undefined ? ('provisioning' as const) : ('queued' as const);
    this.#hear(box.id);
    this.#ledger.set(box.id, holdingOf({ ...box, status }), nominalSize(box));
    return shortage === undefined ? { status } : { status, detail: `waits for ${shortage}` };
  }

  /** Notes a change of a box. */
  changed(box: HolderState): void {
    this.#hear(box.id);
    this.#note(box);
    if (this.#line.length > 0) {
      this.#sweep.soon();
    }
  }

  /** Reads the rows anew: whether something was written is not known. */
  reload(): void {
    this.#isReady = false;
    this.#sweep.soon();
  }

  /** The room is no longer needed. */
  async cancelEviction(id: string): Promise<void> {
    await this.#parts.store.cancelEviction(id);
    this.#evicted.delete(id);
  }

  /** The box holds nothing any more, or never came to be. */
  forget(box: Pick<Devbox, 'id' | 'accountId' | 'launchParameters' | 'revision'>): void {
    this.changed({ ...box, status: 'shutdown', hostState: 'absent', resume: null, forkedFrom: null });
  }

  #note(box: HolderState): void {
    // A change is announced to the whole server before the statement that made it is answered: what follows from it may be heard of first.
    if (!this.#revisions.isNew(box)) {
      return;
    }
    this.#ledger.set(box.id, holdingOf(box), nominalSize(box));
    if (box.status === 'queued') {
      this.#line.add(waiterOf(box));
    } else {
      this.#line.remove(box.accountId, box.id);
    }
    if (box.status !== 'running') {
      this.#evicted.delete(box.id);
    }
  }

  #hear(id: string): void {
    for (const heard of this.#heard) {
      heard.add(id);
    }
  }

  async #load(): Promise<void> {
    const before = new Set(this.#ledger.ids());
    const heard = await this.#read(() => this.#parts.store.holders(), before);
    for (const id of before) {
      if (!heard.has(id)) {
        this.#ledger.set(id, undefined, { memoryBytes: 0, diskBytes: 0 });
      }
    }
    this.#isReady = true;
  }

  /** Notes what rows say, but for boxes of which something was heard meanwhile. Gives those heard of; ids that were read leave `unread`. */
  async #read(
    rows: () => ReturnType<AdmissionStore['holders']>,
    unread: Set<string> = new Set(),
  ): Promise<ReadonlySet<string>> {
    const heard = new Set<string>();
    this.#heard.add(heard);
    try {
      for (const { box, isEvicted } of await rows()) {
        unread.delete(box.id);
        if (!heard.has(box.id)) {
          this.#note(box);
          if (isEvicted) {
            this.#evicted.add(box.id);
          }
        }
      }
    } finally {
      this.#heard.delete(heard);
    }
    return heard;
  }

  async #look(): Promise<void> {
    if (!this.#isReady) {
      await this.#load();
    }
    await this.#parts.capacity.refresh();
    for (;;) {
      const next = this.#line.next((waiter) => this.#judge(waiter));
      if (next === undefined) {
        break;
      }
      await this.#admit(next);
    }
    await this.#makeRoom();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#stopped && (!this.#isReady || this.#line.length > 0)) {
      this.#timer = setTimeout(() => this.#sweep.soon(), lookAgainMs);
      this.#timer.unref();
    }
  }

  async #admit(waiter: Waiter): Promise<void> {
    const box = await this.#parts.transitions().apply(waiter.id, { to: 'provisioning' }, { from: ['queued'] });
    this.#line.serve(waiter);
    if (box !== undefined) {
      this.#parts.onAdmitted(waiter.id);
      return;
    }
    const now = await this.#parts.store.find(waiter.id);
    if (now !== undefined && now.status !== 'queued') {
      this.#note(now);
    }
  }

  #judge(waiter: Waiter): Verdict {
    const shortage = this.#shortage(waiter);
    if (shortage === undefined) {
      return 'admit';
    }
    const { capacity, settings } = this.#parts;
    const couldFit = waiter.memoryBytes <= capacity.memoryBytes && waiter.diskBytes <= capacity.diskBytes;
    const isImpatient = performance.now() - waiter.sinceMs >= settings.patienceMs;
    return shortage !== 'a start slot' && couldFit && isImpatient ? 'block' : 'pass';
  }

  #shortage(waiter: Waiter): Shortage | undefined {
    const { capacity, settings } = this.#parts;
    const { total } = this.#ledger;
    if (total.memoryBytes + waiter.memoryBytes > capacity.memoryBytes) {
      return 'memory';
    }
    if (total.diskBytes + waiter.diskBytes > capacity.diskBytes || capacity.diskBytes === 0) {
      return 'disk';
    }
    return waiter.starts && total.starts >= settings.parallelStarts ? 'a start slot' : undefined;
  }

  /** Announces the eviction of flex boxes, when those would make room for the first who waits for memory. */
  async #makeRoom(): Promise<void> {
    const { capacity, settings, store } = this.#parts;
    const head = [...this.#line.heads()].find((each) => each.evicts && this.#shortage(each) === 'memory');
    if (head === undefined) {
      return;
    }
    let missing = this.#ledger.total.memoryBytes + head.memoryBytes - capacity.memoryBytes;
    const chosen: string[] = [];
    for (const { id, memoryBytes } of this.#ledger.evictable()) {
      if (missing <= 0) {
        break;
      }
      missing -= memoryBytes;
      if (!this.#evicted.has(id)) {
        chosen.push(id);
      }
    }
    if (missing > 0 || chosen.length === 0) {
      return;
    }
    await store.beginEvictions(chosen, settings.evictionNoticeMs);
    for (const id of chosen) {
      this.#evicted.add(id);
    }
    this.#parts.onEviction(settings.evictionNoticeMs);
  }
}
