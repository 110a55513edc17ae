import { quoted } from '../commands/env.ts';

/** One end of a copy: here, or in a box. */
export interface CopyEnd {
  readonly devbox?: string;
  readonly path: string;
}

/** Reads `dbx_…:path` as a place in a box, anything else as one here. */
export const parseCopyEnd = (text: string): CopyEnd => {
  const match = /^(dbx_[A-Za-z0-9]+):(.*)$/s.exec(text);
  return match?.[1] === undefined ? { path: text } : { devbox: match[1], path: match[2] || '.' };
};

/** A path in a box as a word of a shell line there; a leading `~/` is the home of its user, as it is for single files. */
export const pathWord = (path: string): string =>
  path === '~' ? '"$HOME"' : path.startsWith('~/') ? `"$HOME"/${quoted(path.slice(2))}` : quoted(path);
