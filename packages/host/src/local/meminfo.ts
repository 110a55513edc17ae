/** First text of a box's /proc/meminfo, until its guest keeps it current. */
export function initialMeminfo(memoryBytes: number): string {
  const kib = Math.floor(memoryBytes / 1024);
  const rows: ReadonlyArray<readonly [string, number]> = [
    ['MemTotal', kib],
    ['MemFree', kib],
    ['MemAvailable', kib],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', 0],
    ['Inactive', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', 0],
    ['Mapped', 0],
    ['Shmem', 0],
    ['Slab', 0],
    ['SReclaimable', 0],
    ['SUnreclaim', 0],
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(15)}${String(value).padStart(9)} kB\n`).join('');
}
