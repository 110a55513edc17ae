import { HostError, type HostEvent } from '../contract/index.ts';

/** A subscriber further behind than this is cut off: it subscribes again and compares `list()`. */
const MAX_QUEUED_EVENTS = 10_000;

interface Subscriber {
  readonly queue: HostEvent[];
  wake: (() => void) | undefined;
  failure: HostError | undefined;
}

/** Hands every event to every subscriber, through a bounded queue each. */
export class EventHub {
  readonly #subscribers = new Set<Subscriber>();
  #closed = false;

  emit(event: HostEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= MAX_QUEUED_EVENTS) {
        this.#fail(subscriber, new HostError('hostUnavailable', 'the subscriber reads too slowly'));
      } else {
        subscriber.queue.push(event);
        subscriber.wake?.();
      }
    }
  }

  /**
   * Events from the first `next()` on, until the signal is aborted. Throws `hostUnavailable` when the hub is closed or the subscriber is too
   * far behind.
   */
  async *subscribe(signal: AbortSignal): AsyncGenerator<HostEvent, void, undefined> {
    const subscriber: Subscriber = { queue: [], wake: undefined, failure: undefined };
    if (this.#closed) {
      throw new HostError('hostUnavailable', 'the host is closed');
    }
    const onAbort = () => subscriber.wake?.();
    this.#subscribers.add(subscriber);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const event = subscriber.queue.shift();
        if (event) {
          yield event;
        } else if (subscriber.failure) {
          throw subscriber.failure;
        } else {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
          subscriber.wake = undefined;
        }
      }
    } finally {
      this.#subscribers.delete(subscriber);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends every subscription with the error. */
  interrupt(error: HostError): void {
    for (const subscriber of this.#subscribers) {
      this.#fail(subscriber, error);
    }
  }

  close(): void {
    this.#closed = true;
    this.interrupt(new HostError('hostUnavailable', 'the host is closed'));
  }

  #fail(subscriber: Subscriber, error: HostError): void {
    subscriber.failure ??= error;
    subscriber.wake?.();
  }
}
