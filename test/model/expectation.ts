/** What a box or snapshot must hold: the reference that the platform is compared with. */

/** Grades of isolation that a model box can have. */
export type Grade = 'container' | 'gvisor';

/** Where a model box stands. `failed` and `deleted` are ends. */
export type Standing = 'running' | 'suspended' | 'failed' | 'deleted';

/** One box as the client knows it: every entry was acknowledged by the platform. */
export class ModelBox {
  readonly id: string;
  readonly grade: Grade;
  standing: Standing = 'running';
  /** Path to contents. */
  readonly files: Map<string, string>;
  /** Variable that the named shell of the box holds; undefined when the shell has been lost with its memory. */
  remembered: string | undefined;
  /** Commands that ran to their end: their id and status must stay readable. */
  readonly finished = new Map<string, number>();

  constructor(id: string, grade: Grade, files: ReadonlyMap<string, string> = new Map()) {
    this.id = id;
    this.grade = grade;
    this.files = new Map(files);
  }
}

/** One disk snapshot. */
export interface ModelSnapshot {
  readonly id: string;
  readonly files: ReadonlyMap<string, string>;
}

/** Everything that one client has made. */
export class Model {
  readonly boxes: ModelBox[] = [];
  readonly snapshots: ModelSnapshot[] = [];
  /** How often each operation was done. */
  readonly counts: Record<string, number> = {};

  /** Boxes that have not ended, in this standing where one is named. */
  present(standing?: 'running' | 'suspended'): ModelBox[] {
    return this.boxes.filter((box) =>
      standing === undefined ? box.standing !== 'deleted' && box.standing !== 'failed' : box.standing === standing,
    );
  }

  count(operation: string): void {
    this.counts[operation] = (this.counts[operation] ?? 0) + 1;
  }
}
