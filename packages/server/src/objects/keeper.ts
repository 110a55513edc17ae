import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import { Alarm } from '../reconciler/alarm.ts';
import { Sweep } from '../reconciler/sweep.ts';
import type { ObjectStore } from './store.ts';

export interface ObjectKeeperParts {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly log: Logger;
  /** An object that is not complete after this time has failed. */
  readonly uploadMs: number;
}

/** Pause before a store that could not remove something is asked again. */
const retryPauseMs = 10_000;

/** Ends objects whose time is over, and removes blobs that no object names. Both stand in rows: a restart loses nothing. */
export class ObjectKeeper {
  readonly #parts: ObjectKeeperParts;
  readonly #due: Alarm;
  readonly #sweep: Sweep;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: ObjectKeeperParts) {
    this.#parts = parts;
    const { store, uploadMs, log } = parts;
    this.#due = new Alarm({
      name: 'objects',
      log,
      run: async () => {
        await store.endDue(uploadMs);
        this.#sweep.soon();
      },
      nextInMs: () => store.nextDueInMs(uploadMs),
    });
    this.#sweep = new Sweep({ name: 'blobs', log, run: () => this.#removeLoose() });
  }

  /** Begins; what an earlier run of the server left half done is taken up. */
  start(): void {
    this.#due.start();
  }

  /** A blob may be to be removed. */
  readonly soon = (): void => this.#sweep.soon();

  /** An object ends in this time, perhaps before any other. */
  readonly within = (inMs: number): void => this.#due.within(inMs);

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#due.stop();
    await this.#sweep.stop();
  }

  async #removeLoose(): Promise<void> {
    const { store, blobs, log } = this.#parts;
    for (;;) {
      const keys = await store.looseBlobs();
      let removed = 0;
      for (const key of keys) {
        if (this.#stopped) {
          return;
        }
        try {
          await blobs.remove(key);
          await store.forgetBlob(key);
          removed += 1;
        } catch (error) {
          log.warn({ err: error, blob: key }, 'blob not removed, trying again later');
        }
      }
      if (removed < keys.length) {
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined;
          this.#sweep.soon();
        }, retryPauseMs).unref();
      }
      if (removed === 0) {
        return;
      }
    }
  }
}
