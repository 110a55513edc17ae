import { describe } from 'vitest';
import { buildContract } from './builds.ts';
import { connectionContract } from './connections.ts';
import { executionContract } from './executions.ts';
import { fileContract } from './files.ts';
import { Bench, type MakeHarness } from './harness.ts';
import { lifecycleContract } from './lifecycle.ts';
import { memoryContract } from './memory.ts';
import { outputContract } from './output.ts';
import { recordContract } from './records.ts';
import { sidecarContract } from './sidecars.ts';
import { snapshotContract } from './snapshots.ts';
import { suspendContract } from './suspend.ts';

/** What every {@link Host} must do. A host that passes can stand behind the control plane. */
export function hostContract(
  name: string,
  makeHarness: MakeHarness,
  { keepsMemory = false, builds = true }: { readonly keepsMemory?: boolean; readonly builds?: boolean } = {},
): void {
  describe(`Host contract: ${name}`, () => {
    const bench = new Bench(makeHarness);
    lifecycleContract(bench);
    executionContract(bench);
    outputContract(bench);
    fileContract(bench);
    connectionContract(bench);
    recordContract(bench);
    suspendContract(bench);
    snapshotContract(bench);
    memoryContract(bench, keepsMemory);
    sidecarContract(bench, !keepsMemory);
    if (builds) {
      buildContract(bench);
    }
  });
}
