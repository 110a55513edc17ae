/** Order statistics of one series of samples. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

export const summarize = (samples: readonly number[]): Summary => {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), mean };
};

/** Milliseconds that `work` takes. */
export const timeMs = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const fixed = (value: number): string => (Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : 1) : String(value));

/** One line a measured thing, then one JSON line for machines. */
export const report = (name: string, figures: Readonly<Record<string, number | string>>): void => {
  const parts = Object.entries(figures).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? fixed(value) : value}`,
  );
  console.log(`${name}: ${parts.join(' · ')}`);
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ name, ...figures }));
  }
};
