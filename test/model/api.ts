import Runloop from '@runloop/api-client';
import { persist } from '../chaos/persist.ts';
import type { PlatformAddress } from '../platform/address.ts';

const resting = ['running', 'suspended', 'failure', 'shutdown'] as const;
type Resting = (typeof resting)[number];
const isAtRest = (view: Runloop.DevboxView): view is Runloop.DevboxView & { readonly status: Resting } =>
  resting.some((status) => status === view.status);

const longestSettleMs = 180_000;

/** A client that repeats every call, the very same one, until it is answered: processes of the platform die under it. */
export class PatientApi {
  readonly client: Runloop;

  constructor(address: PlatformAddress) {
    this.client = new Runloop({
      baseURL: address.baseUrl,
      bearerToken: address.apiKey,
      maxRetries: 0,
      timeout: 40_000,
      // Over HTTP/2 the client does not notice that a killed server is gone.
      http2: false,
    });
  }

  /** POST with one idempotency key for all repetitions. */
  async post<Answer>(path: string, body: object): Promise<Answer> {
    const idempotencyKey = crypto.randomUUID();
    return persist(`POST ${path}`, () => this.client.post<object, Answer>(path, { body, idempotencyKey }));
  }

  async create(body: object): Promise<Runloop.DevboxView> {
    return this.post('/v1/devboxes', body);
  }

  async get(id: string): Promise<Runloop.DevboxView> {
    return persist(`GET ${id}`, () => this.client.devboxes.retrieve(id));
  }

  /** Waits until the box stands still, whichever way. @throws Error when it does not for minutes */
  async settle(id: string): Promise<Runloop.DevboxView & { readonly status: Resting }> {
    const deadline = Date.now() + longestSettleMs;
    for (;;) {
      const view = await persist(`wait for ${id}`, () => this.#rests(id));
      if (view !== undefined && isAtRest(view)) {
        return view;
      }
      if (Date.now() > deadline) {
        const { status, state_transitions } = await this.get(id);
        throw new Error(`${id} stays ${status}: ${JSON.stringify(state_transitions)}`);
      }
    }
  }

  async #rests(id: string): Promise<Runloop.DevboxView | undefined> {
    try {
      return await this.client.post<object, Runloop.DevboxView>(`/v1/devboxes/${id}/wait_for_status`, {
        body: { statuses: resting, timeout_seconds: 20 },
      });
    } catch (error) {
      if (error instanceof Runloop.APIError && error.status === 408) {
        return undefined;
      }
      throw error;
    }
  }

  /** Runs a command to its end, once, whatever dies meanwhile. */
  async run(id: string, command: string, shellName?: string): Promise<Runloop.DevboxAsyncExecutionDetailView> {
    const commandId = crypto.randomUUID();
    const first = await persist(`execute in ${id}`, () =>
      this.client.devboxes.execute(id, {
        command,
        command_id: commandId,
        optimistic_timeout: 10,
        last_n: '9999',
        ...(shellName === undefined ? {} : { shell_name: shellName }),
      }),
    );
    return first.status === 'completed' ? first : this.untilCompleted(id, commandId);
  }

  /** @throws Error when it does not end for minutes, with what runs in the box then */
  async untilCompleted(id: string, executionId: string): Promise<Runloop.DevboxAsyncExecutionDetailView> {
    const wait = { statuses: ['completed' as const], timeout_seconds: 20, last_n: '9999' };
    return persist(`wait for ${executionId} in ${id}`, () =>
      this.client.devboxes.waitForCommand(id, executionId, wait),
    ).catch(async (error: unknown) => {
      const command = 'for p in /proc/[0-9]*; do echo "$p $(grep State $p/status) $(tr "\\0" " " <$p/cmdline)"; done';
      const processes = this.client.devboxes.execute(id, { command, command_id: crypto.randomUUID(), last_n: '200' });
      throw new Error(`${String(error)}\n${await processes.then(({ stdout }) => stdout, String)}`, { cause: error });
    });
  }

  /** The stdout of a command that must succeed. */
  async output(id: string, command: string, shellName?: string): Promise<string> {
    const view = await this.run(id, command, shellName);
    if (view.exit_status !== 0) {
      throw new Error(`${id}: ${JSON.stringify(command)} ended ${JSON.stringify(view)}`);
    }
    return view.stdout ?? '';
  }
}
