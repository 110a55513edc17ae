/** The names that a Dockerfile without here-documents builds upon, found and replaced without understanding the rest: that is the builder's. */

import { continuationOf } from './continuation.ts';

/** Says what a name stands for in this build; undefined leaves it as it is. */
export type Resolve = (name: string) => string | undefined;

const FROM = /^(\s*FROM\s+(?:--platform=\S+\s+)?)("?)([^\s"]+)\2(.*)$/i;
const COPY_FROM = /^(\s*(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=)(\S+)(.*)$/i;
const ARG = /^\s*ARG\s+(.*)$/i;

/** External names in order: of every FROM that is no earlier stage, and of every `COPY --from=` likewise. */
export function baseNames(dockerfile: string, argument: Readonly<Record<string, string>>): string[] {
  const names = new Set<string>();
  replaceBases(dockerfile, argument, (name) => {
    names.add(name);
    return undefined;
  });
  return [...names];
}

/** The text with every external name replaced by what it stands for. */
export function replaceBases(
  dockerfile: string,
  argument: Readonly<Record<string, string>>,
  resolveName: Resolve,
): string {
  const stages = new Set<string>();
  const variables = new Map<string, string>();
  const continuation = continuationOf(dockerfile);
  let inStage = false;
  let continued = false;
  const external = (written: string): string | undefined => {
    const name = expand(written, variables);
    return stages.has(name.toLowerCase()) || /^\d+$/.test(name) ? undefined : resolveName(name);
  };
  const line = (text: string): string => {
    const isStart = !continued;
    if (/^\s*#/.test(text) || (continued && text.trim() === '')) {
      return text;
    }
    continued = text.trimEnd().endsWith(continuation);
    if (!isStart) {
      return text;
    }
    const from = FROM.exec(text);
    if (from) {
      const [, head = '', , name = '', tail = ''] = from;
      const found = external(name);
      inStage = true;
      const alias = /^\s+AS\s+(\S+)/i.exec(tail)?.[1];
      if (alias !== undefined) {
        stages.add(alias.toLowerCase());
      }
      return found === undefined ? text : `${head}${found}${tail}`;
    }
    const copy = COPY_FROM.exec(text);
    if (copy) {
      const [, head = '', name = '', tail = ''] = copy;
      const found = external(name);
      return found === undefined ? text : `${head}${found}${tail}`;
    }
    const given = ARG.exec(text)?.[1];
    if (given !== undefined && !inStage) {
      declare(given, argument, variables);
    }
    return text;
  };
  return dockerfile
    .split(/\r?\n/)
    .map((text) => line(text))
    .join('\n');
}

/** `NAME`, `NAME=value` and several of them, as ARG before the first FROM takes them. */
function declare(text: string, argument: Readonly<Record<string, string>>, variables: Map<string, string>): void {
  for (const [, name = '', , quoted, plain] of text.matchAll(/([A-Za-z_][A-Za-z0-9_]*)(=(?:"([^"]*)"|(\S*)))?/g)) {
    const value = argument[name] ?? (quoted === undefined && plain === undefined ? undefined : (quoted ?? plain));
    if (value !== undefined) {
      variables.set(name, expand(value, variables));
    }
  }
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+other}`. */
function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^}]*))?\})/g,
    (_whole, bare: string | undefined, braced: string | undefined, kind: string | undefined, word: string = '') => {
      const value = variables.get(bare ?? braced ?? '') ?? '';
      if (kind === '+') {
        return value === '' ? '' : word;
      }
      return value === '' && kind === '-' ? word : value;
    },
  );
}
