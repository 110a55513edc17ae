/** What a box or snapshot must hold: the reference that the platform is compared with. */

/** Grades of isolation that a model box can have. */
export type Grade = 'container' | 'gvisor';

/** Where a model box stands. `starting`: asked for and not seen running yet. `failed` and `deleted` are ends; a failed one can still be deleted. */
export type Standing = 'starting' | 'running' | 'suspended' | 'failed' | 'deleted';

/** What the API calls it. */
export const statusOf = {
  starting: 'provisioning',
  running: 'running',
  suspended: 'suspended',
  failed: 'failure',
  deleted: 'shutdown',
} as const satisfies Record<Standing, string>;

/** What the processes of a box know; gone with them. */
export interface Mind {
  /** Variable that the named shell holds. */
  word: string | undefined;
  /** What the listening program in the box answers. */
  served: string | undefined;
}

/** What the disk of a new box begins with. */
export interface Ground {
  readonly files: ReadonlyMap<string, string>;
  readonly blueprintId: string | undefined;
}

/** One box as the client knows it: every entry was acknowledged by the platform. */
export class ModelBox {
  readonly id: string;
  readonly grade: Grade;
  /** Path to contents. */
  readonly files: Map<string, string>;
  /** Id of the blueprint that its disk stands on. */
  readonly blueprintId: string | undefined;
  standing: Standing = 'starting';
  mind: Mind = { word: undefined, served: undefined };
  /** Commands that ran to their end: their id and status must stay readable. */
  readonly finished = new Map<string, number>();

  constructor(id: string, grade: Grade, ground: Ground = { files: new Map(), blueprintId: undefined }) {
    this.id = id;
    this.grade = grade;
    this.files = new Map(ground.files);
    this.blueprintId = ground.blueprintId;
  }

  /** Its processes have ended. */
  lose(): void {
    this.mind = { word: undefined, served: undefined };
  }
}

/** One disk snapshot. */
export interface ModelSnapshot extends Ground {
  readonly id: string;
}

/** One image that was built. */
export interface ModelBlueprint extends Ground {
  readonly id: string;
}

/** One object that is complete. */
export interface ModelObject {
  readonly id: string;
  readonly content: string;
}

/** Everything that one client has made. */
export class Model {
  readonly boxes: ModelBox[] = [];
  readonly snapshots: ModelSnapshot[] = [];
  readonly blueprints: ModelBlueprint[] = [];
  readonly objects: ModelObject[] = [];
  /** Objects that end by themselves. */
  readonly passing: string[] = [];
  /** How often each operation was done. */
  readonly counts: Record<string, number> = {};

  /** Boxes that are to be deleted still, in this standing where one is named. */
  present(standing?: Standing): ModelBox[] {
    return this.boxes.filter((box) =>
      standing === undefined ? box.standing !== 'deleted' : box.standing === standing,
    );
  }

  count(operation: string): void {
    this.counts[operation] = (this.counts[operation] ?? 0) + 1;
  }
}
