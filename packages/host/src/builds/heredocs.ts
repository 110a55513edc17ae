/** Here-documents of a Dockerfile, written so that a builder which does not know them does the same. */

import { continuationOf } from './continuation.ts';

/** Shell of instructions where SHELL names none. */
const DEFAULT_SHELL = ['/bin/sh', '-c'] as const;
/** A longer line is cut by the builder's reader. */
const MAX_LINE_BYTES = 60_000;

const INSTRUCTION = /^\s*(RUN|COPY|ADD|SHELL|FROM)\s+(.*)$/is;
const WORD = /^\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2$/;
const FLAG = /^--[a-z]+(=\S*)?$/;

/** Names the line, and what is wrong there. */
export class HeredocError extends Error {
  override readonly name = 'HeredocError';
}

interface Heredoc {
  readonly end: string;
  readonly isStripped: boolean;
  /** As it stands in the command. */
  readonly word: string;
}

/**
 * The Dockerfile with every `RUN <<EOF` as a RUN of its shell with that script, and every `RUN command <<EOF` as a RUN of its shell with command and
 * here-document (Dockerfile reference, "Here-documents"). A script that begins with `#!` is run as a file. The rest stays, byte for byte but for line ends.
 * @throws HeredocError for those of COPY and ADD, one without end, and one that is longer than a line may be
 */
export function expandHeredocs(dockerfile: string): string {
  const lines = dockerfile.split(/\r?\n/);
  const continuation = continuationOf(dockerfile);
  const stages = new Map<string, readonly string[]>();
  let shell: readonly string[] = DEFAULT_SHELL;
  let stage = '';
  const result: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const { text, next } = logicalLine(lines, at, continuation);
    const [, instruction = '', rest = ''] = INSTRUCTION.exec(text) ?? [];
    const kind = instruction.toUpperCase();
    const heredocs = kind === 'RUN' || kind === 'COPY' || kind === 'ADD' ? heredocsOf(rest) : [];
    if (kind === 'FROM') {
      const [, base = '', alias] = /^(?:--\S+\s+)*"?([^\s"]+)"?(?:\s+AS\s+(\S+))?/i.exec(rest) ?? [];
      shell = stages.get(base.toLowerCase()) ?? DEFAULT_SHELL;
      stage = alias?.toLowerCase() ?? '';
    } else if (kind === 'SHELL') {
      shell = shellOf(rest) ?? shell;
    }
    stages.set(stage, shell);
    if (heredocs.length === 0) {
      result.push(...lines.slice(at, next));
      at = next;
      continue;
    }
    if (kind !== 'RUN') {
      throw new HeredocError(
        `line ${at + 1}: ${kind} <<${heredocs[0]?.end}: files within a Dockerfile are not supported; RUN cat > file <<EOF is`,
      );
    }
    const bodies: string[][] = [];
    let line = next;
    for (const heredoc of heredocs) {
      const end = endOf(lines, line, heredoc);
      if (end === undefined) {
        throw new HeredocError(`line ${at + 1}: <<${heredoc.end} has no end`);
      }
      bodies.push(lines.slice(line, end));
      line = end + 1;
    }
    const expanded = runOf(rest, heredocs, bodies, shell);
    if (Buffer.byteLength(expanded) > MAX_LINE_BYTES) {
      throw new HeredocError(`line ${at + 1}: <<${heredocs[0]?.end} is longer than ${MAX_LINE_BYTES} bytes`);
    }
    result.push(expanded);
    at = line;
  }
  return result.join('\n');
}

/** From this line on, what is one instruction; comments and empty lines between its parts are none of it. */
function logicalLine(
  lines: readonly string[],
  from: number,
  continuation: string,
): { readonly text: string; readonly next: number } {
  let text = '';
  for (let at = from; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (/^\s*#/.test(line) || (at > from && line.trim() === '')) {
      if (at === from) {
        return { text: '', next: at + 1 };
      }
      continue;
    }
    const trimmed = line.trimEnd();
    if (!trimmed.endsWith(continuation)) {
      return { text: text + line, next: at + 1 };
    }
    text += trimmed.slice(0, -1);
  }
  return { text, next: lines.length };
}

/** Words that begin a here-document, outside of quotes. */
function heredocsOf(text: string): Heredoc[] {
  return wordsOf(text).flatMap((word) => {
    const [, dash, , end] = WORD.exec(word) ?? [];
    return end === undefined ? [] : [{ end, isStripped: dash === '-', word }];
  });
}

/** Split at blanks, quoted ones are part of a word. */
const wordsOf = (text: string): string[] => text.match(/(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\]|["'\\])+/gs) ?? [];

/** The line that ends it, from this one on. */
function endOf(lines: readonly string[], from: number, { end, isStripped }: Heredoc): number | undefined {
  for (let at = from; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if ((isStripped ? line.replace(/^\t+/, '') : line) === end) {
      return at;
    }
  }
  return undefined;
}

function runOf(
  rest: string,
  heredocs: readonly Heredoc[],
  bodies: readonly string[][],
  shell: readonly string[],
): string {
  const words = wordsOf(rest);
  const flags = words.slice(
    0,
    words.findIndex((word) => !FLAG.test(word)),
  );
  const command = flags.reduce((text, flag) => text.slice(text.indexOf(flag) + flag.length), rest).trim();
  const [heredoc] = heredocs;
  const isScript = heredocs.length === 1 && command === heredoc?.word;
  const script = isScript
    ? scriptOf(bodies[0] ?? [], heredoc.isStripped)
    : [command, ...heredocs.flatMap(({ end }, index) => [...(bodies[index] ?? []), end])].join('\n');
  return `RUN ${[...flags, JSON.stringify([...shell, script])].join(' ')}`;
}

function scriptOf(body: readonly string[], isStripped: boolean): string {
  const text = `${body.map((line) => (isStripped ? line.replace(/^\t+/, '') : line)).join('\n')}\n`;
  if (!text.startsWith('#!')) {
    return text;
  }
  const end = 'BERTH_END_OF_SCRIPT';
  return `script=$(mktemp) && chmod 700 "$script" && cat > "$script" <<'${end}'\n${text}${end}\n"$script"; status=$?; rm -f "$script"; exit "$status"`;
}

function shellOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
