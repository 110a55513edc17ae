import { describe, expect, it } from 'vitest';
import { requireServices, serviceOptions, servicePorts } from '../../src/sidecars/options.ts';

const options = (text: string) => serviceOptions({ name: 'db', options: text });
const ports = (...mappings: string[]) => servicePorts({ name: 'db', port_mappings: mappings });

describe('options of a service', () => {
  it('are read as a shell would, in either spelling', () => {
    expect(options('')).toEqual({ environment: {} });
    expect(
      options(
        `--user=postgres -w "/var/lib/my data" --health-cmd 'pg_isready -q' --health-interval 10s -e A=1 --env 'B=two words' -e C=`,
      ),
    ).toEqual({
      user: 'postgres',
      workdir: '/var/lib/my data',
      healthCommand: 'pg_isready -q',
      environment: { A: '1', B: 'two words', C: '' },
    });
    expect(options(`--entrypoint /bin/a\\ b"c \\" d"`)).toMatchObject({ entrypoint: '/bin/a bc " d' });
  });

  it.each([
    '--privileged',
    '-v /:/host',
    '--network host',
    'image',
    '--user',
    "--user 'open",
    '-e =x',
    '-e A',
    '--constructor x',
  ])('refuses %s', (text) => {
    expect(() => options(text)).toThrow(/service 'db'/);
  });
});

describe('ports of a service', () => {
  it('are those of localhost', () => {
    expect(ports('5432:5432', '80', '53:53/tcp')).toEqual([5432, 80, 53]);
  });

  it.each(['5433:5432', '0:0', '65536:65536', 'x', '1:2:3', '127.0.0.1:1:1', ''])('cannot be %s', (mapping) => {
    expect(() => ports(mapping)).toThrow(/service 'db'/);
  });
});

describe('services of a blueprint', () => {
  it('have names of their own and images with a name', () => {
    const service = { name: 'a', image: 'postgres:16' };
    expect(() => requireServices([service, { ...service, name: 'b' }])).not.toThrow();
    expect(() => requireServices([service, service])).toThrow(/twice/);
    for (const image of ['x\nRUN evil', ' ', '-x', 'a b']) {
      expect(() => requireServices([{ name: 'a', image }])).toThrow(/no name of an image/);
    }
  });
});
