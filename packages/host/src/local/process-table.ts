import { readFile } from 'node:fs/promises';

/** Whether this very process still lives (not a later one with its number, not a zombie). */
export async function isAlive(pid: number, startTimeTicks: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = parseStat(stat);
  return (
    fields !== undefined && fields.startTimeTicks === startTimeTicks && fields.state !== 'Z' && fields.state !== 'X'
  );
}

/** The same for the process that a row names, if it names one. */
export async function lives({
  pid,
  startTimeTicks,
}: {
  readonly pid: number | undefined;
  readonly startTimeTicks: number | undefined;
}): Promise<boolean> {
  return pid !== undefined && startTimeTicks !== undefined && isAlive(pid, startTimeTicks);
}

/** State and start time out of /proc/<pid>/stat; the command name may hold spaces and brackets. */
export function parseStat(stat: string): { state: string; startTimeTicks: number } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTimeTicks = Number(fields[19]);
  return state === undefined || fields.length < 20 ? undefined : { state, startTimeTicks };
}
