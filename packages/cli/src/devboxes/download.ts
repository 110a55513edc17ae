import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import { startProgress } from '../output/progress.ts';
import { pathWord } from './copy-end.ts';
import { changeWarning } from './pack-directory.ts';
import { mustRun, runQuietly } from './quiet-execution.ts';

/** The bytes of a file in a box, as a stream. */
export const openDownload = async (
  client: ApiClient,
  devbox: string,
  path: string,
): Promise<{ readonly body: Readable; readonly sizeBytes: number | undefined }> => {
  const response = await client.raw('POST', `/v1/devboxes/${encodeURIComponent(devbox)}/download_file`, {
    body: { path },
    accept: '*/*',
  });
  const length = response.headers.get('content-length');
  const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
  return { body, sizeBytes: length === null ? undefined : Number(length) };
};

/**
 * Copies a file or directory out of a box, streaming.
 * @returns bytes received
 */
export const downloadPath = async (client: ApiClient, devbox: string, from: string, to: string): Promise<number> => {
  const directory = await runQuietly(client, devbox, `test -d ${pathWord(from)}`);
  const name = basename(from);
  const target = existsSync(to) && statSync(to).isDirectory() && name !== '.' ? join(to, name) : to;
  return directory.exit_status === 0
    ? downloadDirectory(client, devbox, from, target)
    : downloadFile(client, devbox, from, target);
};

const downloadFile = async (client: ApiClient, devbox: string, from: string, target: string): Promise<number> => {
  const { body, sizeBytes } = await openDownload(client, devbox, from);
  const progress = startProgress(basename(from), sizeBytes);
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  const counter = countBytes(progress.add);
  try {
    await pipeline(body, counter.stream, createWriteStream(partial));
    renameSync(partial, target);
  } finally {
    rmSync(partial, { force: true });
    progress.end();
  }
  return counter.total();
};

/** Packs a directory of a box there. Files that change meanwhile are a warning, if it is GNU's tar that says so: others end with 1 for anything. */
export const packingCommand = (from: string, packed: string): string =>
  [
    `LC_ALL=C tar -C ${pathWord(from)} -cf ${packed} . 2>${packed}.said; s=$?; cat ${packed}.said >&2`,
    `if [ $s = 1 ] && [ -s ${packed}.said ] && ! grep -qvE '${changeWarning}' ${packed}.said; then s=0; fi`,
    `rm -f ${packed}.said; exit $s`,
  ].join('\n');

/** What a box says, without what a terminal would obey. */
const harmless = (text: string): string => text.replaceAll(/[^\P{Cc}\n]/gu, '');

/** Packed in the box, unpacked here: links in the archive that lead out of the target are refused by tar. */
const downloadDirectory = async (client: ApiClient, devbox: string, from: string, target: string): Promise<number> => {
  const packed = `/tmp/.berth-${randomUUID()}.tar`;
  const { stderr } = await mustRun(client, devbox, packingCommand(from, packed), `packing ${from}`);
  process.stderr.write(harmless(stderr));
  const progress = startProgress(basename(from), undefined);
  try {
    const { body } = await openDownload(client, devbox, packed);
    mkdirSync(target, { recursive: true });
    const counter = countBytes(progress.add);
    const tar = spawn('tar', ['-xf', '-', '--no-same-owner', '--no-same-permissions', '-C', target], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => tar.once('close', resolve));
    await pipeline(body, counter.stream, tar.stdin);
    if ((await ended) !== 0) {
      throw new CommandFailure(`unpacking into ${target} failed`);
    }
    return counter.total();
  } finally {
    progress.end();
    await runQuietly(client, devbox, `rm -f ${packed}`);
  }
};

const countBytes = (add: (bytes: number) => void): { readonly stream: Transform; readonly total: () => number } => {
  let total = 0;
  const stream = new Transform({
    transform(bytes: Uint8Array, _encoding, done) {
      total += bytes.byteLength;
      add(bytes.byteLength);
      done(null, bytes);
    },
  });
  return { stream, total: () => total };
};
