import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { localUrl } from '../http/endpoint.ts';
import { readInstallation } from '../installation/installation.ts';
import { type GradeFinding, readIsolations } from '../installation/isolations.ts';
import { repositoryDirectory, type StatePaths, statePaths } from '../installation/paths.ts';
import { formatBytes, formatDuration } from '../output/quantities.ts';
import { bold, dim, green, print, printJson, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';
import { livingBoxes } from '../supervisor/boxes.ts';
import { readSupervisorState } from '../supervisor/published-state.ts';

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
  readonly boxes: number;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined;
}

export const statusCommand = (): Command =>
  new Command('status')
    .description('show what runs; exit status 0 when Berth is up, 3 when it is not')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth status\n  ./berth status --json')
    .action(async (options: { json?: true }) => {
      const report = await statusReport(statePaths());
      if (options.json) {
        printJson(report);
      } else {
        printReport(report);
      }
      process.exitCode = report.state === 'running' ? 0 : 3;
    });

export const statusReport = async (paths: StatePaths): Promise<StatusReport> => {
  const installation = readInstallation(paths);
  const supervisor = readSupervisorState(paths);
  const state = supervisor === undefined ? (installation === undefined ? 'absent' : 'stopped') : supervisor.phase;
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
    boxes: installation === undefined ? 0 : (await livingBoxes(paths)).count,
    disk: diskOf(paths.state),
  };
};

export const berthVersion = (): string =>
  (JSON.parse(readFileSync(join(repositoryDirectory(), 'package.json'), 'utf8')) as { version: string }).version;

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

const phaseColour = (phase: string): string => (phase === 'ready' ? green : phase === 'stopped' ? red : yellow)(phase);

const printReport = (report: StatusReport): void => {
  const words = {
    running: green('running'),
    absent: 'not set up',
    stopped: 'stopped',
    starting: 'starting',
    stopping: 'stopping',
  };
  print(
    `${bold('Berth')} ${report.version}: ${words[report.state]}${report.state === 'running' ? ` at ${report.baseUrl}` : ''}`,
  );
  print(dim(`state ${report.stateDirectory}`));
  if (report.services.length > 0) {
    const rows = report.services.map((service) => [
      service.name,
      phaseColour(service.phase),
      String(service.pid ?? '-'),
      service.memoryBytes === undefined ? '-' : formatBytes(service.memoryBytes),
      formatDuration(Date.now() - service.sinceMs),
      service.failures === 0 ? '' : `ended ${service.failures}×, last: ${service.lastFailure}`,
    ]);
    print(table(['SERVICE', 'PHASE', 'PID', 'MEMORY', 'SINCE', ''], rows));
  }
  for (const { isolation, usable, reason } of report.isolations) {
    print(`isolation ${isolation}: ${usable ? green('usable') : `${yellow('not usable')}, ${reason}`}`);
  }
  if (report.state !== 'absent') {
    print(`boxes: ${report.boxes}`);
  }
  if (report.disk !== undefined) {
    print(`disk: ${formatBytes(report.disk.freeBytes)} of ${formatBytes(report.disk.totalBytes)} free`);
  }
};
