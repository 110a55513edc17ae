import type { Devbox } from '@runloop/api-client';
import type { Trial } from './agent.ts';

/** One attempt: a box, and what came of the change that was tried in it. */
export interface Attempt {
  readonly box: Devbox;
  readonly trial: Trial;
}

const coloured = Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'];
const paint = (code: number, text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = (text: string): string => paint(1, text);
export const dim = (text: string): string => paint(2, text);
export const green = (text: string): string => paint(32, text);
export const red = (text: string): string => paint(31, text);

/** `950 ms`, `12.3 s` */
export const duration = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** Green tests, and a measured speed. */
export const counts = ({ trial }: Attempt): boolean => !trial.problem && trial.factor !== undefined;

/** The fastest of those whose tests are green. */
export const bestOf = (attempts: readonly Attempt[]): Attempt | undefined =>
  attempts.filter(counts).toSorted((one, other) => (other.trial.factor ?? 0) - (one.trial.factor ?? 0))[0];

/** All attempts, the best first; those whose tests are red at the end, however fast they are. */
export const table = (attempts: readonly Attempt[], best: Attempt | undefined): string => {
  const rows = attempts
    .toSorted(
      (one, other) =>
        Number(counts(other)) - Number(counts(one)) || (other.trial.factor ?? 0) - (one.trial.factor ?? 0),
    )
    .map((attempt) => rowOf(attempt, attempt === best));
  const head = `  ${'TESTS'.padEnd(6)} ${'BEFORE'.padStart(11)} ${'NOW'.padStart(11)} ${'FACTOR'.padStart(8)}  ${'BOX'.padEnd(26)} CHANGE`;
  return [bold(head), ...rows].join('\n');
};

const rowOf = ({ box, trial }: Attempt, isBest: boolean): string => {
  const mark = isBest ? green('→') : ' ';
  const tests = trial.problem ? red('red   ') : green('green ');
  const speeds = `${rate(trial.before)} ${rate(trial.now)} ${(trial.factor === undefined ? '-' : `${trial.factor.toFixed(2)} ×`).padStart(8)}`;
  const title = trial.title ?? trial.change;
  return `${mark} ${tests} ${speeds}  ${box.id.padEnd(26)} ${isBest ? bold(title) : title}${trial.problem ? dim(` – ${trial.problem}`) : ''}`;
};

const rate = (perSecond: number | undefined): string =>
  (perSecond === undefined ? '-' : `${perSecond.toFixed(1)} q/s`).padStart(11);
