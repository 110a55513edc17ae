import { formatBytes } from './quantities.ts';

/** A running count of bytes, drawn on one line of a terminal; silent elsewhere and for the first second. */
export interface Progress {
  readonly add: (bytes: number) => void;
  readonly end: () => void;
}

const silentMs = 1_000;
const drawMs = 100;
const barWidth = 24;

/** @param totalBytes undefined when it is not known */
export const startProgress = (what: string, totalBytes: number | undefined): Progress => {
  const begin = performance.now();
  let doneBytes = 0;
  let drawnMs = begin + silentMs - drawMs;
  let drawn = false;
  const draw = (now: number): void => {
    drawn = true;
    drawnMs = now;
    const rate = `${formatBytes(Math.round((doneBytes / (now - begin)) * 1_000))}/s`;
    process.stderr.write(`\r\u001b[K${what} ${bar(doneBytes, totalBytes)} ${formatBytes(doneBytes)} ${rate}`);
  };
  return {
    add: (bytes) => {
      doneBytes += bytes;
      const now = performance.now();
      if (process.stderr.isTTY && now - drawnMs >= drawMs) {
        draw(now);
      }
    },
    end: () => {
      if (drawn) {
        process.stderr.write('\r\u001b[K');
      }
    },
  };
};

const bar = (doneBytes: number, totalBytes: number | undefined): string => {
  if (totalBytes === undefined || totalBytes === 0) {
    return '';
  }
  const share = Math.min(1, doneBytes / totalBytes);
  const filled = Math.round(share * barWidth);
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${Math.floor(share * 100)} %`;
};
