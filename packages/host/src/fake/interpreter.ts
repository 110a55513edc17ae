/** What a fake command sees of its box. */
export interface FakeCommandContext {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variables and directory of the shell; kept between the commands of one named shell. */
  readonly shell: FakeShell;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
  readFile(path: string): Uint8Array | undefined;
  writeFile(path: string, bytes: Uint8Array): void;
}

/** Runs one command and returns its exit code. */
export type FakeCommandHandler = (context: FakeCommandContext) => Promise<number>;

export interface FakeShell {
  directory: string;
  readonly variables: Map<string, string>;
}

const text = (value: string) => Buffer.from(value);

type Builtin = (words: readonly string[], context: FakeCommandContext) => number | Promise<number>;

const builtins: Readonly<Record<string, Builtin>> = {
  true: () => 0,
  false: () => 1,
  ':': () => 0,
  echo: (words, context) => {
    const bare = words[0] === '-n';
    context.stdout(text((bare ? words.slice(1) : words).join(' ') + (bare ? '' : '\n')));
    return 0;
  },
  printf: ([format = '', ...values], context) => {
    const filled = format.replaceAll('%s', () => values.shift() ?? '');
    context.stdout(text(filled.replaceAll('\\n', '\n').replaceAll('\\t', '\t')));
    return 0;
  },
  seq: (words, context) => {
    const first = words.length > 1 ? Number(words[0]) : 1;
    const last = Number(words.at(-1));
    for (let value = first; value <= last; value++) {
      context.stdout(text(`${value}\n`));
    }
    return 0;
  },
  sleep: async ([seconds = '0'], context) => {
    await new Promise<void>((resolve) => {
      const timer = seconds === 'infinity' ? undefined : setTimeout(resolve, Number(seconds) * 1000);
      context.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return 0;
  },
  cat: async ([path], context) => {
    if (path !== undefined) {
      const bytes = context.readFile(path);
      if (!bytes) {
        context.stderr(text(`cat: ${path}: No such file or directory\n`));
        return 1;
      }
      context.stdout(bytes);
      return 0;
    }
    for await (const bytes of context.stdin) {
      context.stdout(bytes);
    }
    return 0;
  },
  pwd: (_words, context) => {
    context.stdout(text(`${context.shell.directory}\n`));
    return 0;
  },
  cd: ([path], context) => {
    context.shell.directory = path ?? context.environment.HOME ?? '/';
    return 0;
  },
  export: ([assignment = ''], context) => {
    const [name = '', value = ''] = assignment.split(/=(.*)/s);
    context.shell.variables.set(name, value);
    return 0;
  },
};

/**
 * A tiny, deterministic shell: words with quotes and `$NAME`, `;`, `&&`, `||`, `>&2`, `> file`, `exit N`, and the commands above. Enough for
 * what the Host contract suite and simulations say; what it does not know is "command not found" (127), as in a real one.
 */
export const interpret: FakeCommandHandler = async (context) => {
  let status = 0;
  for (const { operator, source } of split(context.command)) {
    if (context.signal.aborted || (operator === '&&' && status !== 0) || (operator === '||' && status === 0)) {
      continue;
    }
    const words = expand(source, context, status);
    if (words[0] === 'exit') {
      return words[1] === undefined ? status : Number(words[1]) & 0xff;
    }
    status = await run(words, context);
  }
  return status;
};

async function run(words: readonly string[], context: FakeCommandContext): Promise<number> {
  const redirect = words.findIndex((word) => word === '>' || word === '>&2');
  const [name = ':', ...args] = redirect < 0 ? words : words.slice(0, redirect);
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
  if (!builtin) {
    context.stderr(text(`bash: line 1: ${name}: command not found\n`));
    return 127;
  }
  if (redirect < 0) {
    return builtin(args, context);
  }
  const captured: Uint8Array[] = [];
  const status = await builtin(args, { ...context, stdout: (piece) => captured.push(piece) });
  const bytes = Buffer.concat(captured);
  if (words[redirect] === '>&2') {
    context.stderr(bytes);
  } else {
    context.writeFile(words[redirect + 1] ?? '', bytes);
  }
  return status;
}

/** Cuts at `;`, newline, `&&` and `||` outside quotes. */
function split(command: string): Array<{ operator: string; source: string }> {
  const parts: Array<{ operator: string; source: string }> = [];
  let operator = ';';
  let source = '';
  for (const [token] of command.matchAll(/'[^']*'|"(?:\\.|[^"\\])*"|&&|\|\||[;\n]|\\.|[^'"\\]/gs)) {
    if (token === '&&' || token === '||' || token === ';' || token === '\n') {
      parts.push({ operator, source });
      operator = token;
      source = '';
    } else {
      source += token;
    }
  }
  parts.push({ operator, source });
  return parts.filter((part) => part.source.trim() !== '');
}

function expand(source: string, context: FakeCommandContext, status: number): string[] {
  const words: string[] = [];
  for (const [word] of source.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs)) {
    words.push(
      word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|(\\.)|([^'"\\]+)/gs, (_all, single, double, escaped, bare) => {
        if (single !== undefined) {
          return single;
        }
        if (escaped !== undefined) {
          return escaped.slice(1);
        }
        return substitute(double ?? bare, context, status);
      }),
    );
  }
  return words;
}

function substitute(value: string, context: FakeCommandContext, status: number): string {
  return value.replaceAll(/\$(\w+|\?|\{\w+\})/g, (_all, named: string) => {
    const key = named.replaceAll(/[{}]/g, '');
    return key === '?' ? String(status) : (context.shell.variables.get(key) ?? context.environment[key] ?? '');
  });
}
