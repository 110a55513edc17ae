/** What the clients were told: everything here was acknowledged and must be found again. */

/** One command whose end was acknowledged. */
export interface AcknowledgedCommand {
  readonly commandId: string;
  readonly exitStatus: number;
  readonly expectedStatus: number;
}

/** All that is known of one box. */
export class BoxLedger {
  readonly id: string;
  /** The idempotency key of its creation, which is its name too. */
  readonly key: string;
  /** Set before its guest is killed: from then on it may fail. */
  guestKilled = false;
  deleted = false;
  /** Every command that was sent, answered or not. */
  readonly sent = new Set<string>();
  readonly commands: AcknowledgedCommand[] = [];
  /** Path to the SHA-256 of the last acknowledged contents. */
  readonly files = new Map<string, string>();
  readonly streams: Array<{ readonly exact: boolean; readonly detail: string }> = [];

  constructor(id: string, key: string) {
    this.id = id;
    this.key = key;
  }
}

export class Ledger {
  readonly boxes: BoxLedger[] = [];
  /** Calls that failed although nothing had been done to their box. */
  readonly faults: string[] = [];

  living(): BoxLedger[] {
    return this.boxes.filter((box) => !box.deleted);
  }
}
