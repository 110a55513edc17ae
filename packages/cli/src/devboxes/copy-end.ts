import { quoted } from '../commands/env.ts';

/** One end of a copy: here, or in a box. */
export interface CopyEnd {
  readonly devbox?: string;
  readonly path: string;
}

/** Reads `box:path` as a place in a box, by id or name; a path without a colon before its first slash is one here. */
export const parseCopyEnd = (text: string): CopyEnd => {
  const match = /^([^/:]+):(.*)$/s.exec(text);
  return match?.[1] === undefined ? { path: text } : { devbox: match[1], path: match[2] || '.' };
};

/** A path in a box as a word of a shell line there; a leading `~/` is the home of its user, as it is for single files. */
export const pathWord = (path: string): string =>
  path === '~' ? '"$HOME"' : path.startsWith('~/') ? `"$HOME"/${quoted(path.slice(2))}` : quoted(path);
