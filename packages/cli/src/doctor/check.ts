/** Result of one look at the machine. */
export interface Finding {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** One look; what it throws counts as a failure. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<Omit<Finding, 'name'>>;
}

export const ok = (detail: string): Omit<Finding, 'name'> => ({ result: 'ok', detail });
export const warn = (detail: string, hint?: string): Omit<Finding, 'name'> => ({
  result: 'warn',
  detail,
  ...(hint === undefined ? {} : { hint }),
});
export const fail = (detail: string, hint?: string): Omit<Finding, 'name'> => ({
  result: 'fail',
  detail,
  ...(hint === undefined ? {} : { hint }),
});

/** Looks one after another, telling each finding as it comes. */
export const runChecks = async (checks: readonly Check[], tell: (finding: Finding) => void): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const { name, look } of checks) {
    const finding: Finding = {
      name,
      ...(await look().catch((error: unknown) =>
        fail(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)),
      )),
    };
    tell(finding);
    findings.push(finding);
  }
  return findings;
};
