import { readFileSync, rmSync } from 'node:fs';
import { writeAtomically } from '../installation/atomic-file.ts';

/** One process, told apart from later ones with the same number by its start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat. */
  readonly startTicks: number;
}

/** Identity of a living process; undefined when it is gone or a zombie. */
export const identify = (pid: number): ProcessIdentity | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startTicks: Number(fields[19]) };
  } catch {
    return undefined;
  }
};

export const isAlive = (process: ProcessIdentity): boolean => identify(process.pid)?.startTicks === process.startTicks;

/** The process a file names, if it still lives. */
export const readProcessFile = (path: string): ProcessIdentity | undefined => {
  try {
    const process = JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
    return isAlive(process) ? process : undefined;
  } catch {
    return undefined;
  }
};

export const writeProcessFile = (path: string, process: ProcessIdentity): void =>
  writeAtomically(path, JSON.stringify(process), { durable: false });

export const removeProcessFile = (path: string): void => rmSync(path, { force: true });

/** Sends a signal unless the process is gone already. */
export const signalProcess = (target: ProcessIdentity, signal: NodeJS.Signals): void => {
  if (isAlive(target)) {
    try {
      process.kill(target.pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }
};

/** Asks a process to end, and kills it when it has not after `timeoutMs`. */
export const endProcess = async (target: ProcessIdentity, signal: NodeJS.Signals, timeoutMs: number): Promise<void> => {
  signalProcess(target, signal);
  if (!(await goneWithin(target, timeoutMs))) {
    signalProcess(target, 'SIGKILL');
    await goneWithin(target, 5_000);
  }
};

const goneWithin = async (target: ProcessIdentity, timeoutMs: number): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(target)) {
    if (Date.now() > deadline) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
};
