import type { Isolation } from '../../contract/index.ts';
import type { Wanted } from './demand.ts';
import type { Template } from './template.ts';

/** More than these never wait, whatever is asked for. */
const MAX_BOXES = 128;

/** A box in the pool, or on its way into it. */
export interface Kept {
  readonly place: string;
  readonly template: Template;
}

export interface Plan {
  /** What is missing, most wanted first. */
  readonly start: readonly Template[];
  /** What is too much. */
  readonly drop: readonly Kept[];
}

/** What to start and what to give up, so that what is wanted waits within the budget. */
export function planPool(
  wanted: readonly Wanted[],
  kept: readonly Kept[],
  budgetBytes: number,
  costBytes: (isolation: Isolation) => number,
): Plan {
  const start: Template[] = [];
  const keep = new Set<Kept>();
  let leftBytes = budgetBytes;
  let left = MAX_BOXES;
  for (const { template, count } of wanted) {
    const affordable = Math.floor(leftBytes / Math.max(1, costBytes(template.isolation)));
    const allowed = Math.min(count, affordable, left);
    const present = kept.filter((box) => box.template.key === template.key).slice(0, allowed);
    for (const box of present) {
      keep.add(box);
    }
    for (let missing = allowed - present.length; missing > 0; missing--) {
      start.push(template);
    }
    leftBytes -= allowed * costBytes(template.isolation);
    left -= allowed;
  }
  return { start, drop: kept.filter((box) => !keep.has(box)) };
}
