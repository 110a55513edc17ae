import type { LogEntryView } from '@berth/contract';

/** What of a followed log was sent. */
export interface Sent {
  readonly count: number;
  readonly last: LogEntryView | undefined;
}

const isSame = (one: LogEntryView, other: LogEntryView): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * The entries behind those that were sent. Both are the newest of a log, as many as the one and the other hold: following may have begun later than
 * `entries` do, and with `maximum` entries these may begin later than what was sent.
 */
export const unsent = (entries: readonly LogEntryView[], maximum: number, { count, last }: Sent): LogEntryView[] => {
  if (last === undefined) {
    return [...entries];
  }
  if (entries.length >= maximum) {
    return entries.slice(entries.findLastIndex((entry) => isSame(entry, last)) + 1);
  }
  // Never before its place by number: of lines that are alike, and of the same moment, none is left out.
  const index = entries.findIndex((entry, at) => at >= count - 1 && isSame(entry, last));
  return entries.slice(index < 0 ? count : index + 1);
};
