/** One line of a `.dockerignore`. */
interface Rule {
  readonly keeps: boolean;
  readonly matches: RegExp;
}

const special = /[\\^$.|+()]/;

/** A pattern of Go's `filepath.Match`, with `**` for any number of directories, as a regular expression. */
const expressionOf = (pattern: string): RegExp => {
  let source = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const sign = pattern.charAt(index);
    if (pattern.startsWith('**', index)) {
      const isDirectory = pattern[index + 2] === '/';
      source += isDirectory ? '(?:.*/)?' : '.*';
      index += isDirectory ? 2 : 1;
    } else if (sign === '*') {
      source += '[^/]*';
    } else if (sign === '?') {
      source += '[^/]';
    } else if (sign === '[') {
      const end = pattern.indexOf(']', index + 2);
      if (end < 0) {
        source += '\\[';
      } else {
        const negates = pattern[index + 1] === '^' || pattern[index + 1] === '!';
        const members = pattern.slice(index + (negates ? 2 : 1), end).replaceAll(/[\\\]^[]/g, '\\$&');
        source += `[${negates ? '^' : ''}${members}]`;
        index = end;
      }
    } else if (sign === '\\' && index + 1 < pattern.length) {
      index += 1;
      source += pattern.charAt(index).replace(/[\\^$.|+()?*[\]{}]/, '\\$&');
    } else {
      source += special.test(sign) || '{}]'.includes(sign) ? `\\${sign}` : sign;
    }
  }
  return new RegExp(`^${source}(?:/|$)`, 's');
};

const ruleOf = (line: string): Rule[] => {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) {
    return [];
  }
  const keeps = text.startsWith('!');
  const pattern = (keeps ? text.slice(1).trim() : text).replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  return pattern === '' || pattern === '.' ? [] : [{ keeps, matches: expressionOf(pattern) }];
};

/** What a `.dockerignore` leaves out. Paths are relative to its directory, with `/`; the last line that fits a path decides. */
export class DockerIgnore {
  readonly #rules: readonly Rule[];

  constructor(text: string) {
    this.#rules = text.split(/\r?\n/).flatMap(ruleOf);
  }

  ignores(path: string): boolean {
    return this.#rules.findLast(({ matches }) => matches.test(path))?.keeps === false;
  }

  /** Whether something below an ignored directory may be kept all the same, so that it has to be looked into. */
  get hasExceptions(): boolean {
    return this.#rules.some(({ keeps }) => keeps);
  }
}
