import Runloop from '@runloop/api-client';
import { persist } from '../chaos/persist.ts';
import type { PlatformAddress } from '../platform/address.ts';

type Status = Runloop.DevboxView['status'];

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

  /** Waits for one of the statuses. @throws Error when the box ends in another way */
  async settle(id: string, ...statuses: Status[]): Promise<Runloop.DevboxView> {
    const wanted: Status[] = [...new Set<Status>([...statuses, 'failure', 'shutdown'])];
    for (;;) {
      const view = await persist(`wait for ${id}`, () =>
        this.client
          .post<object, Runloop.DevboxView>(`/v1/devboxes/${id}/wait_for_status`, {
            body: { statuses: wanted, timeout_seconds: 20 },
          })
          .catch((error: unknown) => {
            if (error instanceof Runloop.APIError && error.status === 408) {
              return undefined;
            }
            throw error;
          }),
      );
      if (view !== undefined) {
        if (!statuses.includes(view.status)) {
          throw new Error(`${id} is ${view.status}: ${JSON.stringify(view.state_transitions)}`);
        }
        return view;
      }
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

  async untilCompleted(id: string, executionId: string): Promise<Runloop.DevboxAsyncExecutionDetailView> {
    return persist(`wait for ${executionId}`, () =>
      this.client.devboxes.waitForCommand(id, executionId, {
        statuses: ['completed'],
        timeout_seconds: 20,
        last_n: '9999',
      }),
    );
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
