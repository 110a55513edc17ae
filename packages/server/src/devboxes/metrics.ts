import { sql } from 'kysely';
import type { FeatureParts } from '../feature.ts';
import type { DevboxEngine } from './engine.ts';

/** Figures of boxes, snapshots, the line and the pool, read when somebody asks for the metrics. */
export const addDevboxMetrics = (
  { metrics, database }: Pick<FeatureParts, 'metrics' | 'database'>,
  { reconciler, admission, capacity }: DevboxEngine,
): void => {
  metrics.gauge('berth_host_connected', '1 while the events of the host are followed', () =>
    Number(reconciler.hostConnected),
  );
  metrics.gauge('berth_devboxes_in_motion', 'Devboxes that the reconciler works on', () => reconciler.inMotion);
  metrics.gauge('berth_devboxes_queued', 'Devboxes that wait for their place', () => admission.length);
  metrics.gaugeBy('berth_devboxes', 'Devboxes that have not ended, by status', 'status', async () => {
    const found = await sql<{ status: string; count: number }>`
      select status, count(*) as count from devboxes where status not in ('failure', 'shutdown') group by status
    `.execute(database);
    return new Map(found.rows.map((row) => [row.status, row.count]));
  });
  const snapshots = async (column: 'count' | 'bytes'): Promise<number> => {
    const found = await sql<{ count: number; bytes: number }>`
      select count(*) as count, coalesce(sum(coalesce(size_bytes, 0) + coalesce(memory_bytes, 0)), 0)::bigint as bytes
      from snapshots where host_state in ('requested', 'present')
    `.execute(database);
    return found.rows[0]?.[column] ?? 0;
  };
  metrics.gauge('berth_snapshots', 'Snapshots that the host keeps', () => snapshots('count'));
  metrics.gauge('berth_snapshot_bytes', 'Bytes that they hold of their own, with memory', () => snapshots('bytes'));
  metrics.gaugeBy(
    'berth_pool',
    'Pool of started boxes: ready, hits, misses, oldest_ms, memory_bytes',
    'figure',
    async () => {
      await capacity.refresh();
      const pool = capacity.description?.pool;
      return pool === undefined
        ? new Map()
        : new Map([
            ['ready', pool.ready],
            ['hits', pool.hits],
            ['misses', pool.misses],
            ['oldest_ms', pool.oldestMs],
            ['memory_bytes', pool.memoryBytes],
          ]);
    },
  );
};
