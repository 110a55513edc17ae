import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import type { BoxSpec, ExecutionSpec, Host, Isolation } from '../../src/contract/index.ts';
import { patienceMs } from '../patience.ts';

/** A host under test and the few things that a test must do behind its back. */
export interface HostHarness {
  readonly host: Host;
  /** The grade that `auto` means here; `container` when left out. */
  readonly isolation?: Isolation;
  /** Ends the box's processes from outside, as a crash would. */
  killBox(boxId: string): Promise<void>;
  /** Starts a peer inside the box that sends back what it gets on this port. */
  listenEcho(boxId: string, port: number): Promise<void>;
  /** Ends the host; no box is left by then. */
  close(): Promise<void>;
}

export type MakeHarness = () => Promise<HostHarness>;

/** What the tests of one suite share: one host, and boxes that are destroyed at the end. */
export class Bench {
  #harness: HostHarness | undefined;
  readonly #boxIds: string[] = [];
  readonly #snapshotIds: string[] = [];

  constructor(makeHarness: MakeHarness) {
    beforeAll(async () => {
      this.#harness = await makeHarness();
    }, patienceMs(60_000));
    afterAll(async () => {
      await Promise.all(this.#boxIds.map((boxId) => this.host.destroy(boxId)));
      await Promise.all(this.#boxIds.map((boxId) => this.host.forget(boxId)));
      await Promise.all(this.#snapshotIds.map((snapshotId) => this.host.deleteSnapshot(snapshotId)));
      await this.#harness?.close();
    }, patienceMs(60_000));
  }

  get harness(): HostHarness {
    if (!this.#harness) {
      throw new Error('the host is not up');
    }
    return this.#harness;
  }

  get isolation(): Isolation {
    return this.harness.isolation ?? 'container';
  }

  get host(): Host {
    return this.harness.host;
  }

  /** The wish for a box of a new id, which is destroyed after the tests. */
  spec(change: Partial<BoxSpec> = {}): BoxSpec {
    const id = change.id ?? `dbx-${randomBytes(6).toString('hex')}`;
    this.#boxIds.push(id);
    return {
      id,
      isolation: 'auto',
      image: 'default',
      size: { cpus: 1, memoryBytes: 512 * 2 ** 20, diskBytes: 2 ** 30, processes: 256 },
      user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
      hostname: 'devbox',
      environment: { GREETING: 'hello' },
      ...change,
    };
  }

  /** A running box. */
  async box(change: Partial<BoxSpec> = {}): Promise<string> {
    const spec = this.spec(change);
    const state = await this.host.create(spec);
    if (state.phase !== 'running') {
      throw new Error(`box is ${state.phase}: ${state.cause} (${state.detail})`);
    }
    return spec.id;
  }

  /** An id of a snapshot, which is deleted after the tests. */
  snapshotId(): string {
    const id = `snp-${randomBytes(6).toString('hex')}`;
    this.#snapshotIds.push(id);
    return id;
  }

  /** A disk snapshot of the box. */
  async snapshot(boxId: string): Promise<string> {
    return (await this.host.snapshot(boxId, this.snapshotId(), { memory: false })).id;
  }

  /** Runs a command to its end. */
  run(boxId: string, command: string, change: Partial<ExecutionSpec> = {}) {
    return this.host.executeAndWait(boxId, execution(command, change), {
      timeoutMs: patienceMs(20_000),
      lastLines: 100,
    });
  }
}

export function execution(command: string, change: Partial<ExecutionSpec> = {}): ExecutionSpec {
  return { executionId: `exec-${randomBytes(6).toString('hex')}`, origin: 'exec', command, ...change };
}

/** All bytes of a stream as text. */
export async function collect(chunks: AsyncIterable<{ readonly bytes: Uint8Array } | Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(Uint8Array.from('bytes' in chunk ? chunk.bytes : chunk));
  }
  return Buffer.concat(parts).toString();
}

/** A body that arrives in pieces. */
export async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    yield Buffer.from(text);
  }
}
