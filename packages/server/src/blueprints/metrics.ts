import { sql } from 'kysely';
import type { FeatureParts } from '../feature.ts';

/** Figures of blueprints, read when somebody asks for the metrics. */
export const addBlueprintMetrics = ({ metrics, database }: Pick<FeatureParts, 'metrics' | 'database'>): void => {
  metrics.gaugeBy('berth_blueprints', 'Blueprints that are not deleted, by status', 'status', async () => {
    const found = await sql<{ status: string; count: number }>`
      select status, count(*) as count from blueprints where not deleted group by status
    `.execute(database);
    return new Map(found.rows.map((row) => [row.status, row.count]));
  });
};
