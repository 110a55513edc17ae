import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { expandHeredocs } from '../../src/builds/heredocs.ts';

const lines = (...all: readonly string[]) => all.join('\n');

/** What the last RUN of the expanded text does, run here. */
const run = (dockerfile: string): { readonly stdout: string; readonly status: number | null } => {
  const text = expandHeredocs(dockerfile)
    .split('\n')
    .findLast((line) => line.startsWith('RUN '));
  const [program = '', ...words] = JSON.parse(text?.slice(text.indexOf('[')) ?? '') as string[];
  const { stdout, status } = spawnSync(program, words, { encoding: 'utf8', env: { ...process.env, NAME: 'x' } });
  return { stdout, status };
};

describe('here-documents of a Dockerfile', () => {
  it('are scripts of the shell', () => {
    const text = lines(
      'FROM a',
      'RUN <<EOF',
      'echo "one $NAME" \\',
      "  'two'",
      'echo three',
      'exit 4',
      'EOF',
      'RUN true',
    );
    expect(run(text.replace('\nRUN true', ''))).toEqual({ stdout: 'one x two\nthree\n', status: 4 });
    expect(expandHeredocs(text)).toMatch(/^FROM a\nRUN \["\/bin\/sh","-c",".*"\]\nRUN true$/);
  });

  it('are input of a command, with or without variables', () => {
    expect(run(lines('RUN cat <<EOF', 'for $NAME', 'EOF')).stdout).toBe('for x\n');
    expect(run(lines("RUN cat <<'EOF' | tr a-z A-Z", 'for $name', 'EOF')).stdout).toBe('FOR $NAME\n');
    expect(
      run(lines('RUN echo first && \\', '  # in between', '  cat <<A - <<-B', 'a', 'A', '\tb', '\tB')).stdout,
    ).toBe('first\nb\n');
  });

  it('lose their leading tabs behind a dash', () => {
    expect(run(lines('RUN <<-EOF', '\techo tabs', '\tEOF')).stdout).toBe('tabs\n');
  });

  it('are run by what their first line names', () => {
    const text = lines(
      'RUN <<EOF',
      '#!/usr/bin/env python3',
      'print("of python", 6 * 7)',
      'raise SystemExit(3)',
      'EOF',
    );
    expect(run(text)).toEqual({ stdout: 'of python 42\n', status: 3 });
  });

  it('use the shell that holds there, keep flags, and what looks like an instruction in them is none', () => {
    const text = lines(
      'FROM a AS one',
      'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
      'FROM b',
      'RUN <<EOF',
      'FROM c',
      'EOF',
      'FROM one',
      'RUN --mount=type=cache,target=/x --network=none <<EOF',
      'true',
      'EOF',
    );
    expect(expandHeredocs(text).split('\n')).toEqual([
      'FROM a AS one',
      'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
      'FROM b',
      'RUN ["/bin/sh","-c","FROM c\\n"]',
      'FROM one',
      'RUN --mount=type=cache,target=/x --network=none ["/bin/bash","-o","pipefail","-c","true\\n"]',
    ]);
  });

  it('are told from what only looks like them', () => {
    const text = lines(
      '# RUN <<EOF',
      'FROM a',
      'RUN echo "a <<EOF" \'<<EOF\' $((1 << 2)) # x',
      'RUN cat <<<word',
      'RUN ["sh", "-c", "cat <<EOF\\nx\\nEOF"]',
      'ENV X="<<EOF"',
      'RUN echo \\',
      '',
      '  done',
    );
    expect(expandHeredocs(text)).toBe(text);
  });

  it.each([
    [['FROM a', 'COPY <<EOF /etc/motd', 'x', 'EOF'], /^line 2: COPY <<EOF: .*RUN cat/],
    [['RUN <<EOF', 'x'], /^line 1: <<EOF has no end$/],
    [['RUN <<EOF', 'x'.repeat(70_000), 'EOF'], /^line 1: <<EOF is longer than 60000 bytes$/],
  ])('are refused by name where they cannot be had: %#', (text, message) => {
    expect(() => expandHeredocs(lines(...text))).toThrow(message);
  });
});
