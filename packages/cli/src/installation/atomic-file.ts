import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

/** Writes a file so that readers, and a machine that loses power, see the old or the new contents and nothing between. */
export const writeAtomically = (
  path: string,
  contents: string | Uint8Array,
  options: { readonly mode?: number; readonly uid?: number; readonly gid?: number; readonly durable?: boolean } = {},
): void => {
  const temporary = `${path}.${process.pid}.new`;
  const descriptor = openSync(temporary, 'w', options.mode ?? 0o644);
  try {
    fchmodSync(descriptor, options.mode ?? 0o644);
    if (options.uid !== undefined && options.gid !== undefined) {
      fchownSync(descriptor, options.uid, options.gid);
    }
    writeSync(descriptor, typeof contents === 'string' ? Buffer.from(contents) : contents);
    if (options.durable !== false) {
      fsyncSync(descriptor);
    }
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
};
