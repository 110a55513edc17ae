import { memoryText } from '../installation/isolations.ts';
import { formatBytes, formatDuration } from '../output/quantities.ts';
import { bold, dim, green, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';
import type { Figures } from './figures.ts';
import { quotasLine } from './quotas.ts';
import type { StatusReport } from './report.ts';

const words: Readonly<Record<StatusReport['state'], string>> = {
  running: green('running'),
  absent: 'not set up',
  stopped: 'stopped',
  starting: 'starting',
  stopping: 'stopping',
};

/** The report for people. */
export const statusText = (report: StatusReport): string => {
  const place = report.state === 'running' ? ` at ${report.baseUrl}` : '';
  const { figures, disk } = report;
  return [
    `${bold('Berth')} ${report.version}: ${words[report.state]}${place}`,
    dim(`state ${report.stateDirectory}`),
    ...(report.services.length === 0 ? [] : [servicesTable(report)]),
    ...report.isolations.map(
      (grade) =>
        `isolation ${grade.isolation}: ${grade.usable ? `${green('usable')}${memoryText(grade)}` : `${yellow('not usable')}, ${grade.reason}`}`,
    ),
    ...(report.state === 'absent' ? [] : [`boxes: ${boxesText(report)}`]),
    ...(figures?.snapshots === undefined
      ? []
      : [`snapshots: ${figures.snapshots.count}, ${formatBytes(figures.snapshots.sizeBytes)}`]),
    ...(figures?.pool === undefined ? [] : [`pool: ${poolText(figures.pool)}`]),
    ...(report.quotas === undefined ? [] : [`account: ${quotasLine(report.quotas)}`]),
    ...(disk === undefined ? [] : [`disk: ${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)} free`]),
  ].join('\n');
};

const phaseColour = (phase: string): string => (phase === 'ready' ? green : phase === 'stopped' ? red : yellow)(phase);

const servicesTable = ({ services }: StatusReport): string =>
  table(
    ['SERVICE', 'PHASE', 'PID', 'MEMORY', 'SINCE', ''],
    services.map((service) => [
      service.name,
      phaseColour(service.phase),
      String(service.pid ?? '-'),
      service.memoryBytes === undefined ? '-' : formatBytes(service.memoryBytes),
      formatDuration(Date.now() - service.sinceMs),
      service.failures === 0 ? '' : `ended ${service.failures}×, last: ${service.lastFailure}`,
    ]),
  );

/** `5 (3 running, 2 suspended)` */
const boxesText = ({ boxes, figures }: StatusReport): string => {
  const parts = Object.entries(figures?.boxes ?? {}).flatMap(([status, count]) =>
    count === 0 ? [] : [`${count} ${status}`],
  );
  return parts.length === 0 ? String(boxes) : `${boxes} (${parts.join(', ')})`;
};

/** `4 ready (120.0 MiB, the oldest for 12.0 s), 31 of 40 boxes came from it` */
const poolText = ({ ready, hits, misses, oldestMs, memoryBytes }: NonNullable<Figures['pool']>): string => {
  const waiting =
    ready === 0
      ? 'none ready'
      : `${ready} ready (${formatBytes(memoryBytes)}, the oldest for ${formatDuration(oldestMs)})`;
  return hits + misses === 0 ? waiting : `${waiting}, ${hits} of ${hits + misses} boxes came from it`;
};
