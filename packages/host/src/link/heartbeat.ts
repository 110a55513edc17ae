const beatMs = 1_000;
const pingEveryMs = 3_000;
const deadAfterMs = 10_000;

export interface HeartbeatEvents {
  /** Something waits for the guest. */
  waiting(): boolean;
  /** Grows with everything that the guest sends. */
  reads(): number;
  ping(): void;
  /** No frame for 10 s though a PING was sent. */
  dead(): void;
}

/** Notices a guest that went silent, only while something waits for it. */
export class Heartbeat {
  readonly #events: HeartbeatEvents;
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;
  #silentMs = 0;

  constructor(events: HeartbeatEvents) {
    this.#events = events;
  }

  /** Looks again whether anything waits; called when something begins to. */
  wake(): void {
    if (this.#timer === undefined && this.#events.waiting()) {
      this.#silentMs = 0;
      this.#seen = this.#events.reads();
      this.#timer = setInterval(() => this.#beat(), beatMs);
      this.#timer.unref();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const reads = this.#events.reads();
    if (!this.#events.waiting()) {
      this.stop();
      return;
    }
    if (reads !== this.#seen) {
      this.#seen = reads;
      this.#silentMs = 0;
      return;
    }
    this.#silentMs += beatMs;
    if (this.#silentMs >= deadAfterMs) {
      this.stop();
      this.#events.dead();
    } else if (this.#silentMs % pingEveryMs === 0) {
      this.#events.ping();
    }
  }
}
