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
