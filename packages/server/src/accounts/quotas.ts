import type { AccountQuotas } from '@berth/contract';
import type { Admission } from '../admission/admission.ts';
import type { BlueprintStore } from '../blueprints/store.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { SnapshotStore } from '../snapshots/store.ts';
import type { Limits } from './limits.ts';

const gibibyte = 1024 ** 3;

export interface AccountQuotaParts {
  readonly admission: Pick<Admission, 'sums'>;
  readonly snapshots: Pick<SnapshotStore, 'usage'>;
  readonly blueprints: Pick<BlueprintStore, 'usage'>;
  readonly objects: Pick<ObjectStore, 'keptBytes'>;
  readonly limits: Limits;
}

/** What an account may have at a time, and what it has. */
export class AccountQuotaService {
  readonly #parts: AccountQuotaParts;

  constructor(parts: AccountQuotaParts) {
    this.#parts = parts;
  }

  async get(accountId: string): Promise<AccountQuotas> {
    const quotas = await this.#parts.limits.of(accountId);
    const sums = this.#parts.admission.sums(accountId);
    const snapshots = await this.#parts.snapshots.usage(accountId);
    const blueprints = await this.#parts.blueprints.usage(accountId);
    const objectBytes = await this.#parts.objects.keptBytes(accountId);
    return {
      running_devboxes: { limit: quotas.running, used: sums.running },
      memory_gib: { limit: quotas.memoryGib, used: sums.quotaMemoryBytes / gibibyte },
      disk_gib: { limit: quotas.diskGib, used: sums.quotaDiskBytes / gibibyte },
      snapshots: { limit: quotas.snapshots, used: snapshots.count },
      snapshot_gib: { limit: quotas.snapshotGib, used: snapshots.bytes / gibibyte },
      blueprints: { limit: quotas.blueprints, used: blueprints.count },
      builds: { limit: quotas.builds, used: blueprints.building },
      object_gib: { limit: quotas.objectGib, used: objectBytes / gibibyte },
    };
  }
}
