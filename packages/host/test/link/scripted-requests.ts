import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { GuestErrorCode, GuestFileKind, type StatusInit, StatusPhase } from '@berth/guest/protocol';
import type { ScriptedGuest, ScriptedStream } from './scripted-guest.ts';

const finished = (status: StatusInit): StatusInit => ({ ...status, phase: StatusPhase.FINISHED });
const failed = (code: GuestErrorCode, message: string): StatusInit => finished({ error: { code, message } });

const errors: Readonly<Record<string, GuestErrorCode>> = {
  ENOENT: GuestErrorCode.NOT_FOUND,
  EISDIR: GuestErrorCode.IS_DIRECTORY,
  ENOTDIR: GuestErrorCode.NOT_DIRECTORY,
  EACCES: GuestErrorCode.PERMISSION,
  ECONNREFUSED: GuestErrorCode.REFUSED,
};

const fromError = (error: unknown): StatusInit => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return failed(errors[code] ?? GuestErrorCode.IO, error instanceof Error ? error.message : 'failed');
};

const fileInfo = (path: string) => {
  const stat = statSync(path);
  const kind = stat.isDirectory() ? GuestFileKind.DIRECTORY : GuestFileKind.FILE;
  return {
    path,
    kind,
    sizeBytes: BigInt(stat.size),
    mode: stat.mode & 0o7777,
    modifiedUnixMs: BigInt(Math.trunc(stat.mtimeMs)),
  };
};

const runExec = (guest: ScriptedGuest, stream: ScriptedStream, command: string, attachStdin: boolean): void => {
  guest.started.push(command);
  const folder = mkdtempSync(join(tmpdir(), 'berth-scripted-'));
  const script = join(folder, 'command');
  writeFileSync(script, command);
  const real = spawn('bash', [script], { detached: true, stdio: [attachStdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  real.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  let asked = 0;
  real.stdin?.on('error', () => undefined);
  stream.onInput = (bytes) =>
    new Promise((resolve) => {
      // What the process did not take is never acknowledged.
      real.stdin?.write(bytes, (error) => (error ? undefined : resolve()));
    });
  stream.onInputEnd = () => real.stdin?.end();
  stream.onSignal = (signal) => {
    asked = signal;
    try {
      process.kill(-(real.pid ?? 0), signal);
    } catch {
      // it has ended already
    }
  };
  const pump = async (source: Readable | null, channel: 0 | 1): Promise<void> => {
    for await (const bytes of source ?? []) {
      await stream.write(channel, bytes);
    }
    stream.end(channel);
  };
  const ended = new Promise<StatusInit>((resolve) => {
    real.on('exit', (code, signal) => {
      const number = signal === null ? 0 : constants.signals[signal];
      const how =
        signal === null ? { case: 'code' as const, value: code ?? 0 } : { case: 'signal' as const, value: number };
      resolve(finished({ exit: { how, signalledByHost: asked } }));
    });
  });
  stream.say({});
  void Promise.all([ended, pump(real.stdout, 0), pump(real.stderr, 1)]).then(([status]) => stream.say(status));
};

const runRead = async (stream: ScriptedStream, path: string): Promise<void> => {
  const file = fileInfo(path);
  if (file.kind === GuestFileKind.DIRECTORY) {
    stream.say(failed(GuestErrorCode.IS_DIRECTORY, 'is a directory'));
    return;
  }
  stream.say({ file });
  for await (const bytes of createReadStream(path)) {
    await stream.write(0, bytes as Buffer);
  }
  stream.end(0);
  stream.say(finished({}));
};

const runWrite = (stream: ScriptedStream, path: string, mode: number, makeParents: boolean): void => {
  if (makeParents) {
    mkdirSync(dirname(path), { recursive: true });
  }
  const temporary = join(dirname(path), `.incoming-${stream.id}`);
  writeFileSync(temporary, '');
  stream.onInput = (bytes) => appendFileSync(temporary, bytes);
  stream.onClose = () => rmSync(temporary, { force: true });
  stream.onInputEnd = () => {
    chmodSync(temporary, mode === 0 ? 0o644 : mode);
    renameSync(temporary, path);
    stream.say(finished({ file: fileInfo(path) }));
  };
  stream.say({});
};

const runForward = (stream: ScriptedStream, host: string, port: number): void => {
  const socket = connect({ host, port });
  socket.on('error', (error) => stream.say(fromError(error)));
  socket.on('connect', () => stream.say({}));
  socket.on('data', (bytes: Buffer) => void stream.write(0, bytes));
  socket.on('end', () => {
    stream.end(0);
    stream.say(finished({}));
  });
  stream.onInput = (bytes) => void socket.write(bytes);
  stream.onInputEnd = () => socket.end();
  stream.onClose = () => socket.destroy();
};

/** Runs what a stream asks for; its errors become its status. */
export const runRequest = (guest: ScriptedGuest, stream: ScriptedStream): void => {
  const { request } = stream.open;
  const answer = (status: StatusInit): void => stream.say(finished(status));
  try {
    switch (request.case) {
      case 'configure':
        answer({});
        break;
      case 'exec':
        runExec(guest, stream, request.value.command, request.value.attachStdin);
        break;
      case 'signal':
        guest.byExecution.get(request.value.executionId)?.onSignal?.(request.value.signal);
        answer({});
        break;
      case 'stat':
        answer({ file: fileInfo(request.value.path) });
        break;
      case 'sync':
        answer({});
        break;
      case 'metrics':
        answer({ metrics: { memoryUsedBytes: 1n, cpuUsageUs: 2n, processes: 3, diskUsedBytes: 4n } });
        break;
      case 'readFile':
        void runRead(stream, request.value.path).catch((error: unknown) => stream.say(fromError(error)));
        break;
      case 'writeFile':
        runWrite(stream, request.value.path, request.value.mode, request.value.makeParents);
        break;
      case 'forward':
        runForward(stream, request.value.host, request.value.port);
        break;
      default:
        stream.say(failed(GuestErrorCode.UNSUPPORTED, `no ${request.case ?? 'request'} here`));
    }
  } catch (error) {
    stream.say(fromError(error));
  }
};
