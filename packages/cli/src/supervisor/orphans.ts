import { readdirSync, readFileSync } from 'node:fs';
import { identify, type ProcessIdentity } from './process-identity.ts';

/** Environment by which a service's process is known, should the supervisor die before it could write down its number. */
export const serviceMark = (state: string, name: string): Record<string, string> => ({
  BERTH_STATE: state,
  BERTH_SERVICE: name,
});

/** A living service of this installation that no process file names: the leader of its session, with the mark in its environment. */
export const findService = (state: string, name: string): ProcessIdentity | undefined => {
  const marks = Object.entries(serviceMark(state, name)).map(([key, value]) => `${key}=${value}`);
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry) && isSessionLeader(entry)) {
      const environment = readEnvironment(entry);
      if (marks.every((mark) => environment.includes(mark))) {
        return identify(Number(entry));
      }
    }
  }
  return undefined;
};

const isSessionLeader = (pid: string): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3] === pid;
  } catch {
    return false;
  }
};

const readEnvironment = (pid: string): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
};
