import { localUrl } from '../http/endpoint.ts';

/** What a running server counts, as far as `berth status` shows it. */
export interface Figures {
  /** Boxes that live, by status. */
  readonly boxes: Readonly<Record<string, number>>;
  readonly snapshots?: { readonly count: number; readonly sizeBytes: number };
  /** Boxes that wait started for whoever asks for their like. Left out where no pool is kept. */
  readonly pool?: {
    readonly ready: number;
    readonly hits: number;
    readonly misses: number;
    readonly oldestMs: number;
    readonly memoryBytes: number;
  };
}

const timeoutMs = 3_000;

/** Asks the server of this machine. Undefined when it does not answer. */
export const readFigures = async (port: number): Promise<Figures | undefined> => {
  try {
    const response = await fetch(`${localUrl(port)}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
    return response.ok ? figuresOf(await response.text()) : undefined;
  } catch {
    return undefined;
  }
};

/** Figures in a text of metrics in the Prometheus format. */
export const figuresOf = (metrics: string): Figures => {
  const boxes = labelled(metrics, 'berth_devboxes', 'status');
  const pool = labelled(metrics, 'berth_pool', 'figure');
  const snapshots = plain(metrics, 'berth_snapshots');
  return {
    boxes: Object.fromEntries(boxes),
    ...(snapshots === undefined
      ? {}
      : { snapshots: { count: snapshots, sizeBytes: plain(metrics, 'berth_snapshot_bytes') ?? 0 } }),
    ...(pool.size === 0
      ? {}
      : {
          pool: {
            ready: pool.get('ready') ?? 0,
            hits: pool.get('hits') ?? 0,
            misses: pool.get('misses') ?? 0,
            oldestMs: pool.get('oldest_ms') ?? 0,
            memoryBytes: pool.get('memory_bytes') ?? 0,
          },
        }),
  };
};

const plain = (metrics: string, name: string): number | undefined => {
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1];
  return value === undefined ? undefined : Number(value);
};

/** Values of a metric with one label, by that label's value. */
const labelled = (metrics: string, name: string, label: string): Map<string, number> =>
  new Map(
    [...metrics.matchAll(new RegExp(`^${name}\\{${label}="([a-z_]+)"\\} (\\S+)$`, 'gm'))].map((match) => [
      match[1] ?? '',
      Number(match[2]),
    ]),
  );
