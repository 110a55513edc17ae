import { type GuestFileInfo, GuestFileKind } from '@berth/guest/protocol';
import { type FileInfo, HostError } from '../contract/index.ts';

const kinds: ReadonlyMap<number, FileInfo['kind']> = new Map<number, FileInfo['kind']>([
  [GuestFileKind.FILE, 'file'],
  [GuestFileKind.DIRECTORY, 'directory'],
  [GuestFileKind.SYMLINK, 'symlink'],
]);

/** What a guest says of a file. @throws HostError `internal` when it says nothing */
export const toFileInfo = (info: GuestFileInfo | undefined): FileInfo => {
  if (info === undefined) {
    throw new HostError('internal', 'the guest answered without a file');
  }
  return {
    path: info.path,
    kind: kinds.get(info.kind) ?? 'other',
    sizeBytes: Number(info.sizeBytes),
    mode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
    modifiedMs: Number(info.modifiedUnixMs),
  };
};
