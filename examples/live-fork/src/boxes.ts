import { randomUUID } from 'node:crypto';
import { type Devbox, type Runloop, RunloopSDK } from '@runloop/api-client';

/** The boxes of one run of the example: all that were made are ended together. */
export class Boxes {
  readonly sdk = new RunloopSDK();
  readonly #made: Devbox[] = [];

  /** Creates a box and waits until it runs. */
  async create(wish: Parameters<RunloopSDK['devbox']['create']>[0]): Promise<Devbox> {
    return this.#remember(await this.sdk.devbox.create(wish));
  }

  /**
   * Forks a live box: Berth's own call, which the official client does not know, so it is sent by hand.
   * @param memory whether the copies go on with the running processes; else each has the disk alone
   * @returns the copies, running
   */
  async fork(source: Devbox, count: number, memory: boolean): Promise<Devbox[]> {
    const { baseURL, bearerToken } = this.sdk.api;
    const response = await fetch(`${baseURL}/v1/devboxes/${source.id}/fork`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearerToken}`,
        'content-type': 'application/json',
        'x-request-id': randomUUID(),
      },
      body: JSON.stringify({ count, memory, name: 'live-fork copy' }),
    });
    const answer = (await response.json()) as { devboxes?: Runloop.DevboxView[]; message?: string };
    if (!response.ok || answer.devboxes === undefined) {
      throw new Error(`the fork was refused: ${answer.message ?? response.status}`);
    }
    const copies = answer.devboxes.map(({ id }) => this.#remember(this.sdk.devbox.fromId(id)));
    await Promise.all(copies.map(started));
    return copies;
  }

  /** Shuts every box down. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#made.map((box) => box.shutdown()));
  }

  #remember(box: Devbox): Devbox {
    this.#made.push(box);
    return box;
  }
}

/** Waits until a copy runs; says why when it ends before. */
const started = async (copy: Devbox): Promise<void> => {
  try {
    await copy.awaitRunning();
  } catch (error) {
    const last = (await copy.getInfo()).state_transitions.at(-1) as { readonly detail?: string } | undefined;
    throw last?.detail === undefined ? error : new Error(last.detail);
  }
};

/** The grade of isolation that a box really has. */
export const isolationOf = async (box: Devbox): Promise<string> => {
  const parameters = (await box.getInfo()).launch_parameters as { readonly isolation?: string };
  return parameters.isolation ?? 'container';
};
