import { createHash, createHmac } from 'node:crypto';
import type { PlannedSpec } from './build-plan.ts';

/** Tells builds with the same secrets without saying which: a keyed hash, so that nobody who reads it can try values. */
export function markOf(secrets: Readonly<Record<string, string>>, key: Buffer): string {
  const entries = Object.entries(secrets).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0 ? '' : createHmac('sha256', key).update(JSON.stringify(entries)).digest('hex');
}

export interface RecipeParts {
  readonly spec: PlannedSpec;
  /** With its names resolved. */
  readonly dockerfile: string;
  readonly secretsMark: string;
  /** Hash of what was uploaded; empty without. */
  readonly contextHash: string;
}

/** The same for builds that a cache of layers would give the same image; empty where something is asked for that changes by itself. */
export function recipeOf({ spec, dockerfile, secretsMark, contextHash }: RecipeParts): string {
  if (/^\s*ADD\s.*(https?:|git@|git:)/im.test(dockerfile)) {
    return '';
  }
  const { cacheScope, steps, target, user } = spec;
  const given = [cacheScope, secretsMark, contextHash, dockerfile, target, steps, user];
  const argument = Object.entries(spec.arguments).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([given, argument]))
    .digest('hex');
}
