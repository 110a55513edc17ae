import { formatBytes, formatDuration } from './quantities.ts';

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
    process.stderr.write(`\r\u001b[K${progressText(what, { doneBytes, totalBytes, passedMs: now - begin })}`);
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

/** `name [####----] 50 % 512.0 MiB 100.0 MiB/s, 5.1 s left` */
export const progressText = (
  what: string,
  at: { readonly doneBytes: number; readonly totalBytes: number | undefined; readonly passedMs: number },
): string => {
  const { doneBytes, totalBytes, passedMs } = at;
  const perMs = doneBytes / Math.max(1, passedMs);
  const leftMs = totalBytes === undefined || perMs === 0 ? undefined : Math.max(0, totalBytes - doneBytes) / perMs;
  const rate = `${formatBytes(Math.round(perMs * 1_000))}/s`;
  const words = [what, bar(doneBytes, totalBytes), formatBytes(doneBytes), rate].filter((word) => word !== '');
  return `${words.join(' ')}${leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`}`;
};

const bar = (doneBytes: number, totalBytes: number | undefined): string => {
  if (totalBytes === undefined || totalBytes === 0) {
    return '';
  }
  const share = Math.min(1, doneBytes / totalBytes);
  const filled = Math.round(share * barWidth);
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${Math.floor(share * 100)} %`;
};
