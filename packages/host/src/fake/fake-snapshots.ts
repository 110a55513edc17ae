import { type BoxState, type ExecutionSpec, HostError, type SnapshotState } from '../contract/index.ts';
import type { FakeExecution } from './fake-execution.ts';
import type { FakeFiles } from './fake-files.ts';
import type { FakeProcesses } from './fake-processes.ts';

/** Memory that a fake box seems to have. */
export const FAKE_MEMORY_BYTES = 1024 * 1024;

/** What a fake snapshot keeps of its box. */
export interface FakeSnapshot {
  readonly state: SnapshotState;
  readonly files: FakeFiles;
  readonly processes: FakeProcesses | undefined;
  /** Executions that had no end when the memory was taken. */
  readonly running: readonly ExecutionSpec[];
  readonly imageEnvironment: Readonly<Record<string, string>>;
}

/** What a snapshot can be taken of. */
export interface FakeSource {
  readonly state: BoxState;
  readonly files: FakeFiles;
  readonly processes: FakeProcesses;
  readonly executions: ReadonlyMap<string, FakeExecution>;
  readonly imageEnvironment: Readonly<Record<string, string>>;
}

/** The snapshots of a FakeHost: copies, so that nothing that is done to a box later shows in them. */
export class FakeSnapshots {
  readonly #snapshots = new Map<string, FakeSnapshot>();

  /** The snapshot of this id, taken now unless it is there. @throws HostError `boxNotRunning`, `memoryUnsupported` */
  take(box: FakeSource, snapshotId: string, memory: boolean): SnapshotState {
    const { phase, isolation } = box.state;
    if (memory && isolation !== 'gvisor') {
      throw new HostError('memoryUnsupported', `boxes of the grade ${isolation} cannot keep their memory`);
    }
    const present = phase === 'running' || (!memory && (phase === 'suspended' || phase === 'stopped'));
    if (!present) {
      throw new HostError('boxNotRunning', `box ${box.state.id} is ${phase}`);
    }
    const state: SnapshotState = {
      id: snapshotId,
      boxId: box.state.id,
      isolation,
      hasMemory: memory,
      diskBytes: box.files.usedBytes,
      memoryBytes: memory ? FAKE_MEMORY_BYTES : 0,
      createdMs: Date.now(),
      pausedMs: phase === 'running' ? 1 : 0,
    };
    const processes = memory ? box.processes.copy() : undefined;
    const { imageEnvironment } = box;
    const unfinished = [...box.executions.values()].filter(({ status }) => status !== 'completed');
    const running = memory ? unfinished.map(({ spec }) => spec) : [];
    this.#snapshots.set(snapshotId, { state, files: box.files.copy(), processes, running, imageEnvironment });
    return state;
  }

  get(snapshotId: string): FakeSnapshot | undefined {
    return this.#snapshots.get(snapshotId);
  }

  /** The snapshot that a box is to start from. @throws HostError `imageUnavailable`, `memoryUnsupported` */
  require(snapshotId: string, memory: boolean): FakeSnapshot {
    const snapshot = this.#snapshots.get(snapshotId);
    if (!snapshot) {
      throw new HostError('imageUnavailable', `there is no snapshot ${snapshotId}`);
    }
    if (memory && !snapshot.processes) {
      throw new HostError('memoryUnsupported', `snapshot ${snapshotId} has no memory`);
    }
    return snapshot;
  }

  delete(snapshotId: string): void {
    this.#snapshots.delete(snapshotId);
  }

  all(): SnapshotState[] {
    return [...this.#snapshots.values()].map(({ state }) => state);
  }
}
