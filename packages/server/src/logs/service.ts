import type { LogEntryView } from '@berth/contract';
import { type Host, HostError, type LogEntry, type LogFilter } from '@berth/host/contract';
import type { NotificationHub } from '../database/notifications.ts';
import { devboxTopic } from '../devboxes/announce.ts';
import { isEnded } from '../devboxes/devbox.ts';
import type { DevboxDirectory, DevboxEntry } from '../devboxes/directory.ts';
import { streamFromHost } from '../devboxes/host-calls.ts';
import { apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { sidecarId } from '../sidecars/plan.ts';
import { isServiceExecution } from '../sidecars/sidecar-spec.ts';
import { type Sent, unsent } from './unsent.ts';

export interface LogParts {
  readonly host: Host;
  readonly directory: DevboxDirectory;
  readonly hub: NotificationHub;
}

/** What callers filter by. */
export interface LogQuery {
  readonly execution_id?: string | undefined;
  readonly shell_name?: string | undefined;
}

/** Newest entries that one answer holds. */
const maximumEntries = 100_000;

const filterOf = (query: LogQuery): LogFilter => ({
  ...(query.execution_id === undefined ? {} : { executionId: query.execution_id }),
  ...(query.shell_name === undefined ? {} : { shellName: query.shell_name }),
});

const entryView = (entry: LogEntry): LogEntryView => ({
  level: entry.level,
  source: entry.source,
  timestamp_ms: entry.timestampMs,
  ...(entry.message === undefined ? {} : { message: entry.message }),
  ...(entry.command === undefined ? {} : { cmd: entry.command }),
  ...(entry.executionId === undefined ? {} : { cmd_id: entry.executionId }),
  ...(entry.exitCode === undefined ? {} : { exit_code: entry.exitCode }),
  ...(entry.shellName === undefined ? {} : { shell_name: entry.shellName }),
});

/** Logs of boxes (API §6), read from the host, also after a box is gone until its spool is forgotten. */
export class LogService {
  readonly #parts: LogParts;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  /** All entries, those of its services too, oldest first. A box that the host has not made yet has none. Throws `notFound`, `outputExpired`. */
  async list(account: string, devboxId: string, query: LogQuery): Promise<LogEntryView[]> {
    const box = await this.#require(account, devboxId);
    const isWhole = query.execution_id === undefined && query.shell_name === undefined;
    const services = isWhole ? box.services : [];
    const all = await Promise.all([
      this.#entries(devboxId, filterOf(query)),
      ...services.map((name, index) => this.#ofService(sidecarId(devboxId, index), name)),
    ]);
    return all
      .flat()
      .toSorted((one, other) => one.timestamp_ms - other.timestamp_ms)
      .slice(-maximumEntries);
  }

  /** All entries, then new ones as they come, until the box has ended. */
  async tail(
    account: string,
    devboxId: string,
    query: LogQuery,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<AsyncIterable<LogEntryView>> {
    await this.#require(account, devboxId);
    return this.#follow(account, devboxId, filterOf(query), scope);
  }

  async *#follow(
    account: string,
    devboxId: string,
    filter: LogFilter,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): AsyncGenerator<LogEntryView> {
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      if (isEnded(await this.#parts.directory.require(account, devboxId))) {
        ended.abort();
      }
    };
    const unsubscribe = this.#parts.hub.subscribe(devboxTopic(devboxId), () => void look().catch(() => ended.abort()));
    let sent: Sent = { count: 0, last: undefined };
    try {
      await look();
      const over = AbortSignal.any([scope.signal, scope.closing, ended.signal]);
      const entries = streamFromHost({ devboxId }, this.#parts.host.followLogs(devboxId, filter, over));
      for await (const entry of entries) {
        const view = entryView(entry);
        sent = { count: sent.count + 1, last: view };
        yield view;
      }
    } catch (error) {
      if (!ended.signal.aborted) {
        throw error;
      }
    } finally {
      unsubscribe();
    }
    if (ended.signal.aborted) {
      // What was written between the last entry seen and the end.
      yield* unsent(await this.#entries(devboxId, filter), maximumEntries, sent);
    }
  }

  async #entries(devboxId: string, filter: LogFilter): Promise<LogEntryView[]> {
    const { host } = this.#parts;
    try {
      const entries = await host.logs(devboxId, { ...filter, limit: maximumEntries });
      return entries.map(entryView);
    } catch (error) {
      if (error instanceof HostError && error.code === 'boxNotFound') {
        return [];
      }
      throw error;
    }
  }

  /** What a service has put out, under its name. */
  async #ofService(sidecar: string, name: string): Promise<LogEntryView[]> {
    const entries = await this.#entries(sidecar, {});
    return entries
      .filter(({ cmd_id }) => isServiceExecution(cmd_id ?? ''))
      .map(({ cmd, message, exit_code, ...entry }) => ({
        ...entry,
        message: `[${name}] ${message ?? (cmd === undefined ? `exited with ${exit_code}` : 'started')}`,
        ...(exit_code === undefined ? {} : { exit_code }),
      }));
  }

  async #require(account: string, devboxId: string): Promise<DevboxEntry> {
    const box = await this.#parts.directory.require(account, devboxId);
    if (!box.outputKept) {
      throw apiError('outputExpired', { id: devboxId });
    }
    return box;
  }
}
