import type { FailureReason, ShutdownReason } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { LiveStatus } from './table.ts';

/** A change of status, with its cause. It is written before anything acts on it. */
export type Transition =
  | { readonly to: 'initializing'; readonly isolation: Isolation }
  /** The lifetime begins; null when another rule ends the box. */
  | { readonly to: 'running'; readonly lifetimeMs: number | null }
  | { readonly to: 'failure'; readonly reason: FailureReason; readonly detail: string }
  | { readonly to: 'shutdown'; readonly reason: ShutdownReason; readonly detail?: string };

/** Statuses from which each change may come, unless the caller narrows them. */
export const allowedFrom: Readonly<Record<Transition['to'], ReadonlyArray<LiveStatus | 'failure'>>> = {
  initializing: ['provisioning'],
  running: ['initializing'],
  failure: ['provisioning', 'initializing', 'running'],
  shutdown: ['provisioning', 'initializing', 'running', 'failure'],
};

const maximumDetailLength = 2_000;

/** Text from a box or host made fit for a row: bounded, without NUL and broken characters. */
export const storableDetail = (text: string): string =>
  text.slice(0, maximumDetailLength).replaceAll('\0', '').toWellFormed();
