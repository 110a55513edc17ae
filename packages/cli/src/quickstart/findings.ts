import type { AttemptReport } from '../run/attempt.ts';
import { parseResult } from '../run/report.ts';

/** One defect that the audit agent found. */
export interface AuditFinding {
  readonly target: string;
  readonly file: string;
  readonly line: number;
  readonly cwe: string;
  readonly severity: string;
  readonly title: string;
  readonly evidence: string;
  readonly tools: readonly string[];
}

/** Gathers the findings of all boxes, worst first. A result that is not the audit's form gives none. */
export const gatherFindings = (reports: readonly AttemptReport[]): AuditFinding[] =>
  reports
    .flatMap(({ repository, result }) => findingsOf(repository ?? '', result))
    .toSorted((one, other) => rank(one.severity) - rank(other.severity) || one.target.localeCompare(other.target));

const severities = ['high', 'medium', 'low'];

const rank = (severity: string): number => {
  const index = severities.indexOf(severity);
  return index < 0 ? severities.length : index;
};

const findingsOf = (target: string, result: string | undefined): AuditFinding[] => {
  const report = result === undefined ? undefined : parseResult(result);
  if (typeof report !== 'object' || report === null || !('findings' in report) || !Array.isArray(report.findings)) {
    return [];
  }
  return report.findings.filter(isFinding).map((finding) => ({ ...finding, target }));
};

const isFinding = (value: unknown): value is Omit<AuditFinding, 'target'> => {
  const fields = value as Record<string, unknown> | null;
  return (
    typeof fields === 'object' &&
    fields !== null &&
    typeof fields['line'] === 'number' &&
    Array.isArray(fields['tools']) &&
    ['file', 'cwe', 'severity', 'title', 'evidence'].every((key) => typeof fields[key] === 'string')
  );
};
