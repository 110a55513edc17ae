import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Memory of one process of Berth, by its pid file. */
export interface ProcessMemory {
  /** Forgets the peak and counts from what is resident now. */
  mark(): Promise<void>;
  /** Bytes by which the peak since `mark` is above what was resident then. */
  growthBytes(): Promise<number>;
}

export const memoryOf = async (name: 'server' | 'host'): Promise<ProcessMemory> => {
  const file = join(process.env.BERTH_STATE ?? '/var/lib/berth', 'run', `${name}.pid`);
  const pid = /\d+/.exec(await readFile(file, 'utf8'))?.[0] ?? '';
  const read = async (field: 'VmRSS' | 'VmHWM'): Promise<number> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  };
  let marked = 0;
  return {
    mark: async () => {
      // 5 resets the peak (proc(5)).
      await writeFile(`/proc/${pid}/clear_refs`, '5');
      marked = await read('VmRSS');
    },
    growthBytes: async () => (await read('VmHWM')) - marked,
  };
};
