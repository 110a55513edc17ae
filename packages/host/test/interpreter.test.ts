import { describe, expect, it } from 'vitest';
import { type FakeCommandContext, interpret } from '../src/fake/interpreter.ts';

async function run(command: string, change: Partial<FakeCommandContext> = {}) {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const files = new Map<string, Uint8Array>();
  const code = await interpret({
    command,
    environment: { HOME: '/home/user', NAME: 'world' },
    shell: { directory: '/home/user', variables: new Map() },
    stdin: (async function* () {
      yield* [Buffer.from('in'), Buffer.from('put')];
    })(),
    signal: new AbortController().signal,
    stdout: (bytes) => out.push(bytes),
    stderr: (bytes) => err.push(bytes),
    readFile: (path) => files.get(path),
    writeFile: (path, bytes) => files.set(path, bytes),
    ...change,
  });
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

describe('the shell of fake boxes', () => {
  it.each([
    ['echo a b', 'a b\n', 0],
    ['echo -n a', 'a', 0],
    [`echo 'a  b' "c  $NAME" d\\ e`, 'a  b c  world d e\n', 0],
    [`echo '$NAME' \${NAME}`, '$NAME world\n', 0],
    [`printf '%s-%s\\n' a b`, 'a-b\n', 0],
    ['seq 2 4', '2\n3\n4\n', 0],
    ['true && echo yes || echo no', 'yes\n', 0],
    ['false && echo yes; echo $?', '1\n', 0],
    ['false || echo other', 'other\n', 0],
    ['echo before; exit 7; echo after', 'before\n', 7],
    ['false; exit', '', 1],
    ['export A=1=2; echo $A', '1=2\n', 0],
    ['cd /tmp; pwd; cd; pwd', '/tmp\n/home/user\n', 0],
    ['cat', 'input', 0],
    ['echo kept > file; cat file', 'kept\n', 0],
    ['exit 256', '', 0],
    ['echo one\necho two', 'one\ntwo\n', 0],
    ['', '', 0],
  ])('runs %j', async (command, out, code) => {
    expect(await run(command)).toEqual({ code, out, err: '' });
  });

  it('says what it does not know, as a real one', async () => {
    expect(await run('frobnicate now')).toEqual({
      code: 127,
      out: '',
      err: 'bash: line 1: frobnicate: command not found\n',
    });
    expect(await run('cat missing')).toMatchObject({ code: 1, err: 'cat: missing: No such file or directory\n' });
    expect(await run('constructor')).toMatchObject({ code: 127 });
  });

  it('sends to stderr', async () => {
    expect(await run('echo oops >&2')).toEqual({ code: 0, out: '', err: 'oops\n' });
  });

  it('stops where it is when it is killed', async () => {
    const abort = new AbortController();
    const running = run('echo begun; sleep infinity; echo never', { signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ out: 'begun\n' });
  });
});
