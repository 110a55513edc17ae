import {
  type ExecutionDetailView,
  type ExecutionView,
  type executionStatuses,
  executionWaitSeconds,
} from '@berth/contract';
import { type ExecutionSpec, type Host, HostError, type ExecutionView as HostView } from '@berth/host/contract';
import type { ActivityTracker } from '../devboxes/activity.ts';
import type { DevboxDirectory, DevboxEntry } from '../devboxes/directory.ts';
import { callHost } from '../devboxes/host-calls.ts';
import { apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { executionDetailView, executionView } from './view.ts';

export interface ExecutionParts {
  readonly host: Host;
  readonly directory: DevboxDirectory;
  readonly activity: ActivityTracker;
}

/** What is to be run. */
export interface ExecutionWish {
  readonly executionId: string;
  readonly command: string;
  readonly shellName: string | undefined;
  readonly attachStdin: boolean;
}

const spec = (wish: ExecutionWish): ExecutionSpec => ({
  executionId: wish.executionId,
  origin: 'exec',
  command: wish.command,
  ...(wish.shellName === undefined ? {} : { shellName: wish.shellName }),
  ...(wish.attachStdin ? { attachStdin: true } : {}),
});

/** One round of waiting for `execute_sync`, which has no limit. */
const syncRoundMs = 600_000;
/** Lines of each output that `execute_sync` answers with. */
const syncLastLines = 9_999;

/** Executions of commands in boxes (API §4). They live in the host; nothing of them is kept here. */
export class ExecutionService {
  readonly #parts: ExecutionParts;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
  }

  /**
   * Starts the command, or finds the execution with that id, and waits a little for its end. A wait of 0 that does not see the end is
   * answered like the real service: 408, `executionStillRunning`.
   */
  async execute(
    account: string,
    devboxId: string,
    wish: ExecutionWish,
    wait: { readonly seconds: number; readonly lastLines: number },
    scope: Pick<RequestScope, 'closing'>,
  ): Promise<ExecutionView> {
    const box = await this.#parts.directory.requireRunning(account, devboxId);
    const seconds = Math.min(wait.seconds, executionWaitSeconds);
    const view = await this.#begin(box, wish, { timeoutMs: seconds * 1000, lastLines: wait.lastLines }, scope.closing);
    if (seconds === 0 && view.status !== 'completed') {
      throw apiError('executionStillRunning', { id: wish.executionId, status: view.status, seconds });
    }
    return executionView(devboxId, view);
  }

  /** Starts the command and answers at once. */
  async start(account: string, devboxId: string, wish: ExecutionWish): Promise<ExecutionView> {
    const box = await this.#parts.directory.requireRunning(account, devboxId);
    await this.#parts.activity.open(box, wish.executionId);
    const { host } = this.#parts;
    const state = await callHost({ devboxId, executionId: wish.executionId, starts: true }, () =>
      host.execute(devboxId, spec(wish)),
    );
    const none = { text: '', truncated: state.stdoutBytes > 0 };
    return executionView(devboxId, { ...state, stdout: none, stderr: { text: '', truncated: state.stderrBytes > 0 } });
  }

  /** Runs the command to its end, however long it takes. */
  async runToEnd(
    account: string,
    devboxId: string,
    wish: ExecutionWish,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<ExecutionDetailView> {
    const box = await this.#parts.directory.requireRunning(account, devboxId);
    const over = AbortSignal.any([scope.signal, scope.closing]);
    const wait = { timeoutMs: syncRoundMs, lastLines: syncLastLines };
    let view = await this.#begin(box, wish, wait, over);
    while (view.status !== 'completed') {
      view = await this.#wait(box, wish.executionId, ['completed'], wait, over);
    }
    return executionDetailView(devboxId, view);
  }

  /** Throws `notFound`. Also for boxes that are gone, until their output is forgotten. */
  async get(account: string, devboxId: string, executionId: string, lastLines: number): Promise<ExecutionView> {
    await this.requireOutput(account, devboxId);
    const { host } = this.#parts;
    const view = await callHost({ devboxId, executionId }, () => host.execution(devboxId, executionId, lastLines));
    return executionView(devboxId, view);
  }

  /** The execution once it has one of the statuses. Throws `longPollTimeout` when that takes too long. */
  async waitForStatus(
    account: string,
    devboxId: string,
    executionId: string,
    wait: {
      readonly statuses: ReadonlyArray<(typeof executionStatuses)[number]>;
      readonly seconds: number;
      readonly lastLines: number;
    },
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<ExecutionView> {
    const box = await this.requireOutput(account, devboxId);
    const seconds = Math.min(wait.seconds, executionWaitSeconds);
    const over = AbortSignal.any([scope.signal, scope.closing]);
    const rounds = { timeoutMs: seconds * 1000, lastLines: wait.lastLines };
    const view = await this.#wait(box, executionId, wait.statuses, rounds, over);
    if (!wait.statuses.includes(view.status)) {
      throw apiError('longPollTimeout', { seconds });
    }
    return executionView(devboxId, view);
  }

  /** Ends the execution and shows it. One that has ended is left as it is. */
  async kill(
    account: string,
    devboxId: string,
    executionId: string,
    options: { readonly processGroup: boolean; readonly lastLines: number },
  ): Promise<ExecutionView> {
    const box = await this.requireOutput(account, devboxId);
    const { host } = this.#parts;
    const before = await this.get(account, devboxId, executionId, options.lastLines);
    if (before.status === 'completed') {
      return before;
    }
    return callHost({ devboxId, executionId }, async () => {
      await host.kill(devboxId, executionId, { processGroup: options.processGroup });
      // SIGKILL cannot be refused, but its effect takes a moment.
      const wait = { until: ['completed'] as const, timeoutMs: killWaitMs, lastLines: options.lastLines };
      this.#parts.activity.touch(box);
      return executionView(devboxId, await host.waitExecution(devboxId, executionId, wait));
    });
  }

  /** Whether this account's box still has outputs to show. Throws `notFound` or `outputExpired`. */
  async requireOutput(account: string, devboxId: string): Promise<DevboxEntry> {
    const box = await this.#parts.directory.require(account, devboxId);
    if (!box.outputKept) {
      throw apiError('outputExpired', { id: devboxId });
    }
    return box;
  }

  async #begin(
    box: DevboxEntry,
    wish: ExecutionWish,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    over: AbortSignal,
  ): Promise<HostView> {
    await this.#parts.activity.open(box, wish.executionId);
    const { host } = this.#parts;
    return unlessCancelled(over, () =>
      callHost({ devboxId: box.id, executionId: wish.executionId, starts: true }, () =>
        host.executeAndWait(box.id, spec(wish), wait, over),
      ),
    );
  }

  #wait(
    box: DevboxEntry,
    executionId: string,
    until: ReadonlyArray<(typeof executionStatuses)[number]>,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    over: AbortSignal,
  ): Promise<HostView> {
    const { host } = this.#parts;
    return unlessCancelled(over, () =>
      callHost({ devboxId: box.id, executionId }, () =>
        host.waitExecution(box.id, executionId, { until, ...wait }, over),
      ),
    );
  }
}

const killWaitMs = 5_000;

/** A wait that was cut off by the shutdown of the server: the client comes back, to the next one. */
const unlessCancelled = async <Value>(over: AbortSignal, call: () => Promise<Value>): Promise<Value> => {
  try {
    return await call();
  } catch (error) {
    if (over.aborted && error instanceof HostError && error.code === 'cancelled') {
      throw apiError('notReady', { problem: 'the server is shutting down' }, error);
    }
    throw error;
  }
};
