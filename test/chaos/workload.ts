import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import Runloop, { toFile } from '@runloop/api-client';
import type { PlatformAddress } from '../platform/address.ts';
import { BoxLedger, type Ledger } from './ledger.ts';
import { persist } from './persist.ts';
import type { Random } from './random.ts';
import { followThrough } from './stream.ts';

/**
 * A client that gives up soon and never repeats by itself: repeating is the test's business. HTTP/1.1, for version 1.32 of the client does not
 * notice over HTTP/2 that a killed server is gone, and waits for its long poll to time out (600 s).
 */
const impatient = (address: PlatformAddress): Runloop =>
  new Runloop({
    baseURL: address.baseUrl,
    bearerToken: address.apiKey,
    maxRetries: 0,
    timeout: 20_000,
    http2: false,
  });

const shape = { launch_parameters: { resource_size_request: 'X_SMALL' } } as const;

/** One user of the platform: makes boxes, works in them and deletes them, and writes down what it was told. */
export class Worker {
  readonly #client: Runloop;
  readonly #ledger: Ledger;
  readonly #random: Random;

  constructor(address: PlatformAddress, ledger: Ledger, random: Random) {
    this.#client = impatient(address);
    this.#ledger = ledger;
    this.#random = random;
  }

  /** Works until the signal is aborted, then ends what it has begun. */
  async work(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const box = await this.#create();
      for (let task = 0; task < 6 && !stop.aborted && !box.guestKilled; task += 1) {
        await this.#guarded(box, () =>
          this.#random.pick([
            () => this.#execute(box, false),
            () => this.#execute(box, false),
            () => this.#execute(box, true),
            () => this.#upload(box),
            () => this.#stream(box),
          ])(),
        );
      }
      if (!stop.aborted && this.#random.next() < 0.5) {
        await this.#delete(box);
      }
    }
  }

  /** A failure is a fault of the platform unless the box's guest was killed. */
  async #guarded(box: BoxLedger, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!box.guestKilled) {
        this.#ledger.faults.push(`${box.id}: ${String(error)}`);
        box.guestKilled = true;
      }
      await sleep(50);
    }
  }

  async #create(): Promise<BoxLedger> {
    const key = `chaos-${crypto.randomUUID()}`;
    const { id } = await persist('create', () =>
      this.#client.devboxes.create({ ...shape, name: key }, { idempotencyKey: key }),
    );
    const box = new BoxLedger(id, key);
    this.#ledger.boxes.push(box);
    await this.#guarded(box, async () => {
      await persist('await running', () => this.#client.devboxes.awaitRunning(id));
    });
    return box;
  }

  async #execute(box: BoxLedger, inShell: boolean): Promise<void> {
    const commandId = crypto.randomUUID();
    const expectedStatus = this.#random.between(0, 100);
    const pause = this.#random.between(0, 300) / 1000;
    const command = `echo ${commandId} >> ~/marks; sync ~/marks; sleep ${pause}; echo ${commandId}; (exit ${expectedStatus})`;
    box.sent.add(commandId);
    const view = await persist('execute', () =>
      this.#client.devboxes.execute(box.id, {
        command,
        command_id: commandId,
        optimistic_timeout: 5,
        ...(inShell ? { shell_name: 'chaos' } : {}),
      }),
    );
    const done =
      view.status === 'completed'
        ? view
        : await persist('wait', () =>
            this.#client.devboxes.waitForCommand(box.id, commandId, { statuses: ['completed'], timeout_seconds: 10 }),
          );
    if (box.guestKilled) {
      return;
    }
    if (done.stdout !== `${commandId}\n` || typeof done.exit_status !== 'number') {
      throw new Error(`command ${commandId} answered ${JSON.stringify(done)}`);
    }
    box.commands.push({ commandId, exitStatus: done.exit_status, expectedStatus });
  }

  async #upload(box: BoxLedger): Promise<void> {
    const bytes = Buffer.alloc(this.#random.between(1, 300_000), this.#random.between(0, 256));
    const path = `/home/user/file-${this.#random.between(0, 4)}`;
    const file = await toFile(bytes, 'f');
    await persist('upload', () => this.#client.devboxes.uploadFile(box.id, { path, file }));
    box.files.set(path, createHash('sha256').update(bytes).digest('hex'));
  }

  async #stream(box: BoxLedger): Promise<void> {
    const commandId = crypto.randomUUID();
    const lines = this.#random.between(50, 200);
    const command = `for i in {1..${lines}}; do echo "$i ü ${commandId}"; sleep 0.01; done`;
    await persist('start stream', () =>
      this.#client.devboxes
        .execute(box.id, { command, command_id: commandId, optimistic_timeout: 0.01 })
        .catch((error) => {
          // A platform may answer the shortest wait with 408; the execution is there all the same.
          if (error instanceof Runloop.APIError && error.status === 408) {
            return undefined;
          }
          throw error;
        }),
    );
    const text = await followThrough(this.#client, box.id, commandId);
    if (box.guestKilled) {
      return;
    }
    const expected = Array.from({ length: lines }, (_, index) => `${index + 1} ü ${commandId}\n`).join('');
    box.streams.push({
      exact: text === expected,
      detail: `${text.length} of ${expected.length} characters of ${commandId}`,
    });
  }

  async #delete(box: BoxLedger): Promise<void> {
    box.deleted = true;
    const view = await persist('shutdown', () => this.#client.devboxes.shutdown(box.id));
    if (view.status !== 'shutdown') {
      this.#ledger.faults.push(`${box.id} answered ${view.status} to shutdown`);
    }
  }
}
