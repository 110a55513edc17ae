import type { FailureReason, ShutdownReason } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { LiveStatus, ResumeKind } from './table.ts';

/** What went wrong on the way, told in the history although the box has not ended. */
export interface Mishap {
  readonly reason: FailureReason;
  readonly detail: string;
}

/** A change of status, with its cause. It is written before anything acts on it. */
export type Transition =
  /** A resume that waits for its place. */
  | { readonly to: 'queued'; readonly resume: ResumeKind; readonly detail?: string }
  /** `resume` is left out where a wait ends. */
  | { readonly to: 'provisioning'; readonly resume?: ResumeKind }
  | { readonly to: 'initializing'; readonly isolation: Isolation }
  /** The lifetime begins, or goes on where a suspension stopped it; null when another rule ends the box. */
  | {
      readonly to: 'running';
      readonly lifetimeMs: number | null;
      readonly isolation?: Isolation;
      readonly detail?: string;
      /** The history says that it was initialized on the way, which took no time. */
      readonly isInitialized?: boolean;
    }
  /** `hooksMs`: time for the suspend commands; null when none are to run. */
  | {
      readonly to: 'suspending';
      readonly memory: boolean;
      readonly hooksMs: number | null;
      readonly mishap?: Mishap;
      readonly detail?: string;
    }
  /** `ttlMs`: how long it may stay so; null is endlessly. */
  | {
      readonly to: 'suspended';
      readonly memory: boolean;
      readonly ttlMs: number | null;
      readonly mishap?: Mishap;
      readonly detail?: string;
    }
  | { readonly to: 'failure'; readonly reason: FailureReason; readonly detail: string }
  | { readonly to: 'shutdown'; readonly reason: ShutdownReason; readonly detail?: string };

/** Statuses from which each change may come, unless the caller narrows them. */
export const allowedFrom: Readonly<Record<Transition['to'], ReadonlyArray<LiveStatus | 'failure'>>> = {
  queued: ['suspended'],
  provisioning: ['queued', 'suspended'],
  initializing: ['provisioning'],
  running: ['provisioning', 'initializing', 'suspending'],
  suspending: ['initializing', 'running'],
  suspended: ['provisioning', 'suspending'],
  failure: ['queued', 'provisioning', 'initializing', 'running', 'suspending', 'suspended'],
  shutdown: ['queued', 'provisioning', 'initializing', 'running', 'suspending', 'suspended', 'failure'],
};

/** Statuses in which a box holds processor and memory. */
export const activeStatuses: readonly LiveStatus[] = ['initializing', 'running', 'suspending'];

const maximumDetailLength = 2_000;

/** Text from a box or host made fit for a row: bounded, without NUL and broken characters. */
export const storableDetail = (text: string): string =>
  text.slice(0, maximumDetailLength).replaceAll('\0', '').toWellFormed();
