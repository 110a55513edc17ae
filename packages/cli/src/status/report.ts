import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountQuotas } from '@berth/contract';
import { localUrl } from '../http/endpoint.ts';
import { readInstallation } from '../installation/installation.ts';
import { type GradeFinding, readIsolations } from '../installation/isolations.ts';
import { repositoryDirectory, type StatePaths } from '../installation/paths.ts';
import { livingBoxes } from '../supervisor/boxes.ts';
import { readSupervisorState } from '../supervisor/published-state.ts';
import { type Figures, readFigures } from './figures.ts';
import { readQuotas } from './quotas.ts';

/** What `berth status --json` prints. */
export interface StatusReport {
  readonly state: 'running' | 'starting' | 'stopping' | 'stopped' | 'absent';
  readonly stateDirectory: string;
  readonly baseUrl?: string;
  readonly version: string;
  readonly services: ReadonlyArray<{
    readonly name: string;
    readonly phase: string;
    readonly pid?: number;
    readonly memoryBytes?: number;
    readonly sinceMs: number;
    readonly failures: number;
    readonly lastFailure?: string;
  }>;
  /** Grades of isolation that boxes can have here, as the host found them when it started. */
  readonly isolations: readonly GradeFinding[];
  /** Boxes that live. */
  readonly boxes: number;
  /** What the server counts; left out when it does not answer. */
  readonly figures?: Figures;
  /** What the account of this installation's key may have, and has; left out when the server does not answer. */
  readonly quotas?: AccountQuotas;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined;
}

export const statusReport = async (paths: StatePaths): Promise<StatusReport> => {
  const installation = readInstallation(paths);
  const supervisor = readSupervisorState(paths);
  const state = supervisor === undefined ? (installation === undefined ? 'absent' : 'stopped') : supervisor.phase;
  const figures =
    installation === undefined || supervisor === undefined ? undefined : await readFigures(installation.port);
  const quotas = figures === undefined ? undefined : await readQuotas();
  return {
    state: state === 'ready' ? 'running' : state,
    stateDirectory: paths.state,
    ...(installation === undefined ? {} : { baseUrl: localUrl(installation.port) }),
    version: berthVersion(),
    services: (supervisor?.services ?? []).map(({ process, ...service }) => ({
      ...service,
      ...(process === undefined ? {} : { pid: process.pid, memoryBytes: residentBytes(process.pid) }),
    })),
    isolations: supervisor === undefined ? [] : readIsolations(paths),
    boxes: installation === undefined ? 0 : await countOfBoxes(paths),
    ...(figures === undefined ? {} : { figures }),
    ...(quotas === undefined ? {} : { quotas }),
    disk: diskOf(paths.state),
  };
};

const berthVersion = (): string =>
  (JSON.parse(readFileSync(join(repositoryDirectory(), 'package.json'), 'utf8')) as { version: string }).version;

const countOfBoxes = async (paths: StatePaths): Promise<number> => {
  const { count, suspendedIds } = await livingBoxes(paths);
  return count + suspendedIds.length;
};

const residentBytes = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
};

const diskOf = (path: string): StatusReport['disk'] => {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
};
