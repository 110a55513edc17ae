import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CgroupLayout, controllerDirectory } from './cgroup-layout.ts';

/** How often the kernel's OOM killer struck in the cgroup; 0 when it cannot be read. */
export async function readOomKills(layout: CgroupLayout, cgroupsPath: string): Promise<number> {
  const directory = controllerDirectory(layout, 'memory', cgroupsPath);
  if (directory === undefined) {
    return 0;
  }
  const name = layout.version === 'v2' ? 'memory.events' : 'memory.oom_control';
  return readField(await readOrEmpty(join(directory, name)), 'oom_kill');
}

export interface CgroupUsage {
  readonly memoryUsedBytes: number;
  readonly cpuUsageUs: number;
  readonly processes: number;
}

/** Live figures as the kernel counts them. Page cache that can be dropped does not count as used. */
export async function readUsage(layout: CgroupLayout, cgroupsPath: string): Promise<CgroupUsage> {
  const read = (controller: string, file: string) => {
    const directory = controllerDirectory(layout, controller, cgroupsPath);
    return directory === undefined ? Promise.resolve('') : readOrEmpty(join(directory, file));
  };
  const v2 = layout.version === 'v2';
  const [memory, memoryStat, cpu, processes] = await Promise.all([
    read('memory', v2 ? 'memory.current' : 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    v2 ? read('cpu', 'cpu.stat') : read('cpuacct', 'cpuacct.usage'),
    read('pids', 'pids.current'),
  ]);
  const inactive = readField(memoryStat, v2 ? 'inactive_file' : 'total_inactive_file');
  return {
    memoryUsedBytes: Math.max(0, Number(memory) - inactive),
    cpuUsageUs: v2 ? readField(cpu, 'usage_usec') : Math.round(Number(cpu) / 1000),
    processes: Number(processes),
  };
}

function readField(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
