import { sizeOf } from '@berth/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { serviceSize } from '../sidecars/plan.ts';

/** What a box takes of its host, and of the quotas of its account, in nominal sizes. */
export interface Holding {
  readonly accountId: string;
  /** Of the host: what it may use, or may still use until it is destroyed. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** One of the starts that the host works on. */
  readonly starts: boolean;
  /** Of the quotas: it runs, or waits to. */
  readonly runs: boolean;
  /** Of the quotas: it exists. */
  readonly exists: boolean;
  /** It may be suspended to make room for others, at this moment. */
  readonly evictable: boolean;
}

/** The parts of a box that decide what it holds. */
export type HolderState = Pick<
  Devbox,
  'id' | 'accountId' | 'status' | 'hostState' | 'launchParameters' | 'resume' | 'forkedFrom' | 'revision'
>;

const gibibyte = 1024 ** 3;

/** Nominal sizes of a box, its services included. */
export const nominalSize = (
  box: Pick<Devbox, 'launchParameters'>,
): { readonly memoryBytes: number; readonly diskBytes: number } => {
  const size = sizeOf(box.launchParameters);
  const services = box.launchParameters.required_services?.length ?? 0;
  return {
    memoryBytes: size.memoryGib * gibibyte + services * serviceSize.memoryBytes,
    diskBytes: size.diskGib * gibibyte + services * serviceSize.diskBytes,
  };
};

/** What the box holds; undefined when that is nothing at all. */
export const holdingOf = (box: HolderState): Holding | undefined => {
  const { memoryBytes, diskBytes } = nominalSize(box);
  const hasEnded = box.status === 'failure' || box.status === 'shutdown';
  const onHost = box.hostState === 'requested' || box.hostState === 'present';
  if (hasEnded && !onHost) {
    return undefined;
  }
  const awaits = box.status === 'queued';
  const sleeps = box.status === 'suspended';
  return {
    accountId: box.accountId,
    memoryBytes: awaits || sleeps ? 0 : memoryBytes,
    diskBytes: awaits && box.resume === null ? 0 : diskBytes,
    // Forks wait for their snapshot first: a long one must not keep others from starting.
    starts: box.status === 'provisioning' && box.forkedFrom === null,
    runs: !hasEnded && !sleeps,
    exists: !hasEnded,
    evictable: box.status === 'running' && box.launchParameters.provisioning_tier === 'flex',
  };
};
