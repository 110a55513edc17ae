import { randomBytes } from 'node:crypto';
import type { BoxSpec } from '../../contract/index.ts';
import type { BoxRemover } from '../box-remover.ts';
import { noProcesses } from '../box-row.ts';
import type { BoxStarter } from '../box-starter.ts';
import type { HostParts } from '../host-parts.ts';
import { Turns } from '../turns.ts';
import { POOL_PREFIX } from './pool-place.ts';
import type { Template } from './template.ts';

/** Host name of a box that nobody has yet. */
const NOBODYS_NAME = 'devbox';

interface Starting {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Boxes without a caller: how they come and, unless somebody takes them, go. Their rows have a place and no public id. */
export class PooledBoxes {
  readonly #parts: HostParts;
  readonly #starter: BoxStarter;
  readonly #remover: BoxRemover;
  readonly #turns = new Turns();
  readonly #starting = new Map<string, Starting>();

  constructor(parts: HostParts, starter: BoxStarter, remover: BoxRemover) {
    this.#parts = parts;
    this.#starter = starter;
    this.#remover = remover;
  }

  newPlace(): string {
    return `${POOL_PREFIX}${randomBytes(6).toString('hex')}`;
  }

  /** Starts a box of the template; resolves when its guest is connected and has all but an identity. */
  async start(place: string, template: Template): Promise<void> {
    const abort = new AbortController();
    const done = this.#start(place, template, abort.signal).finally(() => this.#starting.delete(place));
    this.#starting.set(place, { abort, done });
    await done;
  }

  /** Ends the box and removes every trace of it, its row at last. Repeatable from every half-done state. */
  async discard(place: string): Promise<void> {
    await this.#turns.run(place, () => this.#discard(place));
  }

  async #start(place: string, template: Template, signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    const { isolation, image, size, user } = template;
    const row = store.put({
      ...noProcesses,
      place,
      id: place,
      phase: 'pooling',
      isolation,
      networkOf: undefined,
      slot: store.freeSlot(this.#parts.configuration.owners),
      size,
      layers: image.layers,
      imageEnvironment: image.environment,
      cause: undefined,
      detail: undefined,
      startedMs: undefined,
      stoppedMs: undefined,
      memory: undefined,
    });
    const spec: BoxSpec = { id: place, isolation, image, size, user, hostname: NOBODYS_NAME, environment: {} };
    await this.#starter.start(spec, row, signal);
    await this.#starter.configure(spec, row, signal, { prepare: true });
    if (store.at(place)?.phase !== 'pooling') {
      throw new Error('the box ended at once');
    }
    store.update(place, { phase: 'pooled' });
  }

  async #discard(place: string): Promise<void> {
    const { store, guests, spool } = this.#parts;
    const row = store.at(place);
    if (!row) {
      return;
    }
    store.put({ ...row, id: place, phase: 'destroying' });
    const starting = this.#starting.get(place);
    starting?.abort.abort(new Error('the pool gives it up'));
    await starting?.done.catch(() => undefined);
    await this.#remover.killProcesses(store.requireAt(place));
    await guests.close(place);
    await Promise.all([this.#remover.removeRuntimeFiles(place), this.#remover.removeVolume(place)]);
    await spool.forget(place);
    store.delete(place);
  }
}
