import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { StatePaths } from '../installation/paths.ts';

export const logNames = ['server', 'host', 'postgres', 'supervisor'] as const;
export type LogName = (typeof logNames)[number];

export const logPath = (paths: StatePaths, name: string): string => join(paths.logs, `${name}.log`);

/** Last lines of a service's log; empty when there is none. */
export const logTail = (paths: StatePaths, name: string, lines: number): string => {
  const windowBytes = Math.max(64 * 1024, lines * 400);
  try {
    const descriptor = openSync(logPath(paths, name), 'r');
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(size, windowBytes));
      readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
};
