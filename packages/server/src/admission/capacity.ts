import type { Host, HostDescription } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { AdmissionSettings } from './settings.ts';

export interface CapacityParts {
  readonly host: Pick<Host, 'describe'>;
  readonly settings: AdmissionSettings;
  readonly log: Logger;
}

/** A figure of the host is used for this long. */
const freshMs = 5_000;

/** What the host has, as last heard. Until it has been heard, everything fits: a start waits for the host anyway. */
export class HostCapacity {
  readonly #parts: CapacityParts;
  #known: HostDescription | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(parts: CapacityParts) {
    this.#parts = parts;
  }

  /** What the host last said of itself, for the metrics. */
  get description(): HostDescription | undefined {
    return this.#known;
  }

  /** Nominal memory that all boxes together may have. */
  get memoryBytes(): number {
    return (this.#known?.memoryBytes ?? Number.POSITIVE_INFINITY) * this.#parts.settings.memoryOvercommit;
  }

  /** Nominal disk that all boxes together may have: less, the more they really use. */
  get diskBytes(): number {
    return this.#isDiskLow
      ? 0
      : (this.#known?.diskFreeBytes ?? Number.POSITIVE_INFINITY) * this.#parts.settings.diskOvercommit;
  }

  /** Asks the host again when what is known is old. Never fails: what is known stays. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#askedAt < freshMs) {
      return this.#asking;
    }
    this.#askedAt = performance.now();
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** What is known counts as old. */
  expire(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  get #isDiskLow(): boolean {
    return (this.#known?.diskFreeBytes ?? Number.POSITIVE_INFINITY) < this.#parts.settings.diskReserveBytes;
  }

  async #ask(): Promise<void> {
    try {
      this.#known = await this.#parts.host.describe();
    } catch (error) {
      this.#parts.log.debug({ err: error }, 'the host did not describe itself');
    }
  }
}
