import { encodeOpen, maxOpenBytes } from '@berth/guest/protocol';
import { type ExecutionSpec, HostError } from '../contract/index.ts';
import type { ExecutionRecord } from '../spool/execution-record.ts';

/** Flow-control window of each output of an execution. */
export const outputWindowBytes = 256 * 1024;

const maxIdBytes = 256;
const maxCommandBytes = 16 * 1024 * 1024;
const maxNameBytes = 1024;

/** Refuses what could not be kept or sent. @throws HostError `tooLarge`, `executionConflict` */
export const checkSpec = (spec: ExecutionSpec): void => {
  if (spec.executionId === '') {
    throw new HostError('executionConflict', 'the execution id is empty');
  }
  const limits: ReadonlyArray<[string, string, number]> = [
    ['execution id', spec.executionId, maxIdBytes],
    ['command', spec.command, maxCommandBytes],
    ['shell name', spec.shellName ?? '', maxNameBytes],
    ['user name', spec.user ?? '', maxNameBytes],
    ['environment', JSON.stringify(spec.environment ?? {}), maxOpenBytes - maxCommandBytes - 64 * 1024],
  ];
  for (const [name, value, limitBytes] of limits) {
    if (Buffer.byteLength(value) > limitBytes) {
      throw new HostError('tooLarge', `the ${name} is longer than ${limitBytes} bytes`);
    }
  }
};

/** A second call with the same id must mean the same execution. @throws HostError `executionConflict` */
export const checkSame = (record: ExecutionRecord, spec: ExecutionSpec): void => {
  if (record.command !== spec.command || record.shellName !== spec.shellName) {
    throw new HostError('executionConflict', `execution ${spec.executionId} exists with another command`);
  }
};

/** The `Open` of an execution; the same each time it is made. */
export const encodeExec = (record: ExecutionRecord): Uint8Array =>
  encodeOpen({
    stdoutLimit: BigInt(outputWindowBytes),
    stderrLimit: BigInt(outputWindowBytes),
    request: {
      case: 'exec',
      value: {
        executionId: record.executionId,
        command: record.command,
        shellName: record.shellName ?? '',
        environment: { ...record.environment },
        user: record.user ?? '',
        attachStdin: record.attachStdin,
      },
    },
  });
