import { describe, expect, it } from 'vitest';
import { baseNames, replaceBases } from '../../src/builds/dockerfile.ts';

const lines = (...all: readonly string[]) => all.join('\n');
const known = (name: string) => ({ 'debian:bookworm': 'ID1', 'ubuntu:22.04': 'ID2' })[name];

describe('the names that a Dockerfile builds upon', () => {
  it('are found in every FROM and COPY --from that means no earlier stage', () => {
    const text = lines(
      '# syntax=docker/dockerfile:1',
      'FROM --platform=linux/amd64 debian:bookworm AS Build',
      'RUN true',
      'FROM ubuntu:22.04',
      'COPY --chown=1:1 --from=build /a /b',
      'COPY --from=0 /a /b',
      'copy --from=busybox:1 /bin/sh /sh',
      'FROM build',
      'FROM scratch',
    );
    expect(baseNames(text, {})).toEqual(['debian:bookworm', 'ubuntu:22.04', 'busybox:1', 'scratch']);
  });

  it('are put together from arguments before the first FROM, those of the build first', () => {
    const text = lines(
      'ARG SUITE=bullseye KIND="x"',
      'ARG BASE=debian:$SUITE',
      `FROM \${BASE}`,
      `FROM \${NONE:-ubuntu:22.04}`,
    );
    expect(baseNames(text, {})).toEqual(['debian:bullseye', 'ubuntu:22.04']);
    expect(baseNames(text, { SUITE: 'bookworm' })).toEqual(['debian:bookworm', 'ubuntu:22.04']);
    expect(replaceBases(text, { SUITE: 'bookworm' }, known)).toContain('FROM ID1\nFROM ID2');
  });

  it('are not taken from what only looks like an instruction', () => {
    const text = lines(
      'FROM debian:bookworm',
      'RUN psql -c "SELECT 1 \\',
      'FROM ubuntu:22.04"',
      '# FROM ubuntu:22.04',
      'RUN echo \\',
      '  # a comment in between',
      '',
      'FROM ubuntu:22.04',
      'LABEL x="FROM ubuntu:22.04"',
    );
    expect(baseNames(text, {})).toEqual(['debian:bookworm']);
    expect(replaceBases(text, {}, known)).toBe(text.replace('debian:bookworm', 'ID1'));
  });

  it('follow the escape directive', () => {
    const text = lines('# escape=`', 'FROM debian:bookworm', 'RUN dir `', 'FROM ubuntu:22.04');
    expect(baseNames(text, {})).toEqual(['debian:bookworm']);
  });

  it('leave the rest as it is, byte for byte but for line ends', () => {
    const text = lines('from  "debian:bookworm"  as  x', 'RUN a  b\t', '', 'FROM unknown:1');
    expect(replaceBases(text, {}, known)).toBe(lines('from  ID1  as  x', 'RUN a  b\t', '', 'FROM unknown:1'));
  });
});
