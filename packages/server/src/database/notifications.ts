import pg from 'pg';
import type { Logger } from 'pino';
import { connectionSettings } from './database.ts';

/** One channel for all topics: LISTEN costs per channel, and a NOTIFY carries its topic as payload. */
export const notificationChannel = 'berth';

const defaultHeartbeatMs = 15_000;

export type Wake = () => void;

/**
 * Wakes waiters when a topic changes. A topic is text such as `devbox:dbx_…`; it is announced from any transaction with
 * `select pg_notify('berth', topic)`. One connection serves all; when it was lost and is back, every waiter is woken, because what
 * happened meanwhile is unknown. Woken waiters must look at the database again; spurious wakes are normal.
 */
export class NotificationHub {
  readonly #url: string;
  readonly #log: Logger;
  readonly #heartbeatMs: number;
  readonly #isKnown: (topic: string, backend: number) => boolean;
  readonly #topics = new Map<string, Set<Wake>>();
  #client: pg.Client | undefined;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #retryMs = 100;

  constructor(options: {
    readonly url: string;
    readonly log: Logger;
    /** How often the connection is tried, and how long an answer may take: a peer that vanished sends nothing. */
    readonly heartbeatMs?: number;
    /** Whether this process has woken its waiters already when the announcement of that backend comes in. */
    readonly isKnown?: (topic: string, backend: number) => boolean;
  }) {
    this.#url = options.url;
    this.#log = options.log;
    this.#heartbeatMs = options.heartbeatMs ?? defaultHeartbeatMs;
    this.#isKnown = options.isKnown ?? (() => false);
  }

  /** Begins to listen. Resolves at once also when the database is away: the hub goes on trying. */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Whether the listening connection is up. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Number of waiters, for the leak test and the metrics. */
  get waiters(): number {
    let count = 0;
    for (const wakes of this.#topics.values()) {
      count += wakes.size;
    }
    return count;
  }

  /** Calls `wake` whenever the topic is announced, until the returned function is called. */
  subscribe(topic: string, wake: Wake): () => void {
    const wakes = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, wakes);
    wakes.add(wake);
    return () => {
      wakes.delete(wake);
      if (wakes.size === 0 && this.#topics.get(topic) === wakes) {
        this.#topics.delete(topic);
      }
    };
  }

  /** Wakes the waiters of a topic in this process only. */
  wake(topic: string): void {
    for (const wake of [...(this.#topics.get(topic) ?? [])]) {
      wake();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#heartbeat);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ ...connectionSettings(this.#url), query_timeout: this.#heartbeatMs });
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload = '', processId }) => {
      if (!this.#isKnown(payload, processId)) {
        this.wake(payload);
      }
    });
    try {
      await client.connect();
      await client.query(`listen ${notificationChannel}`);
    } catch {
      await client.end().catch(() => undefined);
      this.#again();
      return;
    }
    if (this.#closed) {
      await client.end().catch(() => undefined);
      return;
    }
    this.#client = client;
    this.#retryMs = 100;
    this.#watch(client);
    this.#wakeAll();
  }

  /** Asks again and again whether the other side is there; `query_timeout` makes silence an error. */
  #watch(client: pg.Client): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => {
      client.query('select 1').then(
        () => this.#client === client && this.#watch(client),
        () => this.#lost(client),
      );
    }, this.#heartbeatMs);
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) {
      return;
    }
    this.#client = undefined;
    clearTimeout(this.#heartbeat);
    this.#log.warn('listening connection to the database lost');
    client.end().catch(() => undefined);
    this.#again();
  }

  #again(): void {
    if (this.#closed) {
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, 2_000);
  }

  #wakeAll(): void {
    for (const topic of [...this.#topics.keys()]) {
      this.wake(topic);
    }
  }
}
