import type { DevboxCreate } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import { type MountKind, type MountType, type PlannedMount, wantedMounts } from './mount-kind.ts';

const names: Readonly<Record<MountType, string>> = {
  file_mount: 'mounting a file (file_mount)',
  object_mount: 'mounting an object (object_mount)',
  agent_mount: 'mounting an agent (agent_mount)',
  code_mount: 'mounting a repository (code_mount)',
  broker_mount: 'mounting an axon (broker_mount)',
};

/** The kinds of mounts that there are. A new kind is one more entry of the list it is made with. */
export class Mounts {
  readonly #kinds: ReadonlyMap<MountType, MountKind>;

  constructor(kinds: readonly MountKind[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind.type, kind]));
  }

  /** Throws `notImplemented` for a type that this version has no kind for. */
  require(type: MountType): MountKind {
    const kind = this.#kinds.get(type);
    if (kind === undefined) {
      throw apiError('notImplemented', { feature: names[type] });
    }
    return kind;
  }

  /** What the row of a new box keeps of its mounts. Throws what a kind refuses with; `invalidRequest` for a place that is named twice. */
  async plan(account: string, wish: DevboxCreate): Promise<PlannedMount[]> {
    const planned: PlannedMount[] = [];
    const places = new Set<string>();
    for (const mount of wantedMounts(wish)) {
      const kind = this.require(mount.type);
      const plan = await kind.plan(account, mount);
      const place = kind.describe(plan);
      if (places.has(place)) {
        throw apiError('invalidRequest', { problem: `two mounts of one place: ${place.slice(0, 200)}` });
      }
      places.add(place);
      planned.push({ type: mount.type, plan });
    }
    return planned;
  }
}
