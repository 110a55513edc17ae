import { describe, expect, it } from 'vitest';
import { commandLine } from './exec.ts';

describe('the command line of devbox exec', () => {
  it('is one word as it is, several words quoted', () => {
    expect(commandLine(['echo $HOME | wc'])).toBe('echo $HOME | wc');
    expect(commandLine(['echo', 'a b'])).toBe("echo 'a b'");
  });

  it('may be set off by --', () => {
    expect(commandLine(['--', 'echo $HOME | wc'])).toBe('echo $HOME | wc');
    expect(commandLine(['--', 'ls', '--', '-x'])).toBe('ls -- -x');
    expect(commandLine(['ls', '--', '-x'])).toBe('ls -- -x');
  });
});
