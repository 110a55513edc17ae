import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { parseStat } from './process-table.ts';

/**
 * Makes this the only host of its state directory: the file names the process and its start time, so that a dead owner's file is taken over.
 * @returns a function that gives it up
 * @throws Error when another host is running
 */
export function takeLock(path: string): () => void {
  const own = `${process.pid} ${startTimeOf(process.pid)}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o644);
      writeSync(file, own);
      closeSync(file);
      return () => {
        if (read(path) === own) {
          rmSync(path, { force: true });
        }
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw error;
      }
    }
    const [pid = '', startTime = ''] = read(path).split(' ');
    if (startTime !== '' && startTimeOf(Number(pid)) === startTime) {
      throw new Error(`another host is running for this state directory (process ${pid}, ${path})`);
    }
    rmSync(path, { force: true });
  }
  throw new Error(`${path} is fought over`);
}

function startTimeOf(pid: number): string {
  return String(parseStat(read(`/proc/${pid}/stat`))?.startTimeTicks ?? '');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
