/** `950 ms`, `12.3 s`, `4 min 05 s` */
export const formatDuration = (durationMs: number): string => {
  if (durationMs < 1_000) {
    return `${Math.round(durationMs)} ms`;
  }
  if (durationMs < 60_000) {
    return `${(durationMs / 1_000).toFixed(1)} s`;
  }
  const seconds = Math.round(durationMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

/** `17 B`, `3.4 MiB` */
export const formatBytes = (sizeBytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
};

/** Seconds of `90`, `90s`, `5m`, `2h`, `30d`, `8w`. Throws on anything else. */
export const parseSeconds = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?$/.exec(text.trim());
  if (match === null) {
    throw new Error(`not a duration: '${text}' (write 90, 90s, 5m, 2h or 30d)`);
  }
  const factor = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }[match[2] ?? 's'] ?? 1;
  return Number(match[1]) * factor;
};
