import { access, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { CgroupLayout } from './cgroup-layout.ts';
import { type MachineLimits, parseCpuList } from './resources.ts';

export interface ProcessLimits {
  readonly openFiles: number;
  readonly oomScoreAdj: number;
}

/** What boxes can be given on this machine. */
export async function readMachineLimits(layout: CgroupLayout): Promise<MachineLimits> {
  const cpuset = layout.version === 'v2' ? layout.unified : layout.controllers.get('cpuset');
  const memory = layout.controllers.get('memory');
  const candidates = ['cpuset.cpus.effective', 'cpuset.effective_cpus', 'cpuset.cpus'];
  let cpus: number[] = [];
  for (const name of cpuset === undefined ? [] : candidates) {
    if (cpus.length === 0) {
      cpus = parseCpuList(await readFile(join(cpuset ?? '', name), 'utf8').catch(() => ''));
    }
  }
  if (cpus.length === 0) {
    cpus = Array.from({ length: availableParallelism() }, (_, index) => index);
  }
  const swapAccounting =
    layout.version === 'v2' ||
    (memory !== undefined &&
      (await access(join(memory, 'memory.memsw.limit_in_bytes')).then(
        () => true,
        () => false,
      )));
  return { cpus, swapAccounting };
}

/** Limits of this process that its children cannot exceed without CAP_SYS_RESOURCE. */
export async function readProcessLimits(): Promise<ProcessLimits> {
  const [limits, oomScoreAdj] = await Promise.all([
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/self/oom_score_adj', 'utf8'),
  ]);
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? '1024';
  return { openFiles: hard === 'unlimited' ? 1_048_576 : Number(hard), oomScoreAdj: Number(oomScoreAdj) };
}
