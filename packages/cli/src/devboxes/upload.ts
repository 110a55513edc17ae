import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { ApiClient } from '../http/client.ts';
import { uploadStream } from '../http/upload.ts';
import { CommandFailure } from '../output/failure.ts';
import { startProgress } from '../output/progress.ts';
import { pathWord } from './copy-end.ts';
import { packDirectory } from './pack-directory.ts';
import { mustRun, runQuietly } from './quiet-execution.ts';

/**
 * Copies a file or directory of this machine into a box, streaming.
 * @returns bytes sent
 */
export const uploadPath = async (client: ApiClient, from: string, devbox: string, to: string): Promise<number> => {
  const info = statOf(from);
  return info.isDirectory()
    ? uploadDirectory(client, from, devbox, to)
    : uploadFile(client, from, info.size, devbox, to);
};

const statOf = (path: string): Stats => {
  try {
    return statSync(path);
  } catch {
    throw new CommandFailure(`there is no ${path}`);
  }
};

const uploadFile = async (
  client: ApiClient,
  from: string,
  sizeBytes: number,
  devbox: string,
  to: string,
): Promise<number> => {
  const progress = startProgress(basename(from), sizeBytes);
  try {
    return await uploadStream(client, devbox, to, basename(from), createReadStream(from), progress.add);
  } finally {
    progress.end();
  }
};

/** As `cp -r`: into `to` when that is a directory in the box, else as `to`. */
const uploadDirectory = async (client: ApiClient, from: string, devbox: string, to: string): Promise<number> => {
  const source = resolve(from);
  const there = await runQuietly(client, devbox, `test -d ${pathWord(to)}`);
  const target =
    there.exit_status === 0 && to !== '.' ? `${to}/${basename(source)}` : to === '.' ? basename(source) : to;
  const archive = packDirectory(source);
  const progress = startProgress(basename(source), undefined);
  try {
    return await placeArchive(client, devbox, target, Readable.from(archive.bytes()), progress.add);
  } catch (error) {
    throw archive.failure() ?? error;
  } finally {
    progress.end();
  }
};

/**
 * Unpacks a tar archive (compressed or not) into a directory of a box, which is made when missing.
 * @returns bytes sent
 */
export const placeArchive = async (
  client: ApiClient,
  devbox: string,
  directory: string,
  archive: Readable,
  count: (bytes: number) => void = () => undefined,
): Promise<number> => {
  const temporary = `/tmp/.berth-${randomUUID()}.tar`;
  const sizeBytes = await uploadStream(client, devbox, temporary, 'archive.tar', archive, count);
  const unpack = `mkdir -p -- ${pathWord(directory)} && tar -xf ${temporary} --no-same-owner -C ${pathWord(directory)}; s=$?; rm -f ${temporary}; exit $s`;
  await mustRun(client, devbox, unpack, `unpacking into ${directory}`);
  return sizeBytes;
};
