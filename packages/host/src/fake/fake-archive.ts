import { gunzipSync } from 'node:zlib';
import { HostError } from '../contract/index.ts';

const blockBytes = 512;

/** A file or a directory (`bytes` undefined) of an archive. */
export interface FakeEntry {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
}

const text = (block: Buffer, start: number, end: number): string =>
  block.subarray(start, end).toString('utf8').split('\0')[0] ?? '';

/** Reads plain files and directories of a ustar archive: enough for the fake. @throws HostError `invalidPath` as the real thing does */
export const readFakeArchive = (archive: Buffer, gzip: boolean): FakeEntry[] => {
  let rest: Buffer;
  try {
    rest = gzip ? gunzipSync(archive) : archive;
  } catch {
    throw new HostError('invalidPath', 'archive is damaged: not gzip');
  }
  const entries: FakeEntry[] = [];
  while (rest.length >= blockBytes && rest[0] !== 0) {
    const [path, size, kind] = [text(rest, 0, 100), Number.parseInt(text(rest, 124, 136), 8), text(rest, 156, 157)];
    const content = rest.subarray(blockBytes, blockBytes + size);
    if (text(rest, 257, 262) !== 'ustar' || content.length !== size) {
      throw new HostError('invalidPath', 'archive is damaged: no header');
    }
    if (path.split('/').includes('..')) {
      throw new HostError('invalidPath', `archive entry points outside: ${path}`);
    }
    if (kind === '0' || kind === '' || kind === '5') {
      entries.push({ path, bytes: kind === '5' ? undefined : Uint8Array.from(content) });
    }
    rest = rest.subarray(blockBytes + Math.ceil(size / blockBytes) * blockBytes);
  }
  return entries;
};
