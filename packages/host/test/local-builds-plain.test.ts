import { beforeAll, describe, expect, it } from 'vitest';
import { BuildHost } from './builds/build-host.ts';
import { plainRootfs } from './builds/plain-rootfs.ts';
import { testPackages } from './builds/test-packages.ts';
import { collect, pieces } from './contract/harness.ts';
import { grades, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const isPossible = typeof programs !== 'string' && testPackages !== undefined;
// The program is linked by the machine's own compiler.
const libraries = process.arch === 'x64' ? [{ musl: false }, { musl: true }] : [{ musl: false }];

describe.skipIf(!isPossible)(
  'images without bash, sudo and a package manager',
  { timeout: patienceMs(120_000) },
  () => {
    const builds = new BuildHost(({ builds: settings }) => ({
      ...Object.assign({}, ...grades.map(({ change }) => change)),
      builds: { ...settings, bases: 'local' },
    }));
    const wait = { timeoutMs: patienceMs(30_000), lastLines: 10_000 };
    const dockerfile = 'FROM scratch\nCOPY . /\nENV PATH=/opt/tools:/bin COLOUR=blue';
    const archives = new Map<boolean, Buffer>();

    beforeAll(async () => {
      for (const { musl } of libraries) {
        archives.set(musl, await plainRootfs(testPackages ?? '', { musl }));
      }
    });

    describe.each(libraries)('(musl: $musl)', ({ musl }) => {
      it.each(grades)('have a user, a home, sudo, shells and files in boxes ($grade)', async ({ grade }) => {
        const steps = [
          { kind: 'run', command: 'id -un > built-by; sudo sh -c "id -un > /root/built-by"' },
          { kind: 'file', path: '/home/user/note', content: 'mine' },
        ] as const;
        const { spec, text } = await builds.image(dockerfile, { steps }, archives.get(musl));
        expect(text).toMatch(/gets one that comes with Berth|an earlier build had the same recipe/);
        const box = boxSpec({ image: { imageId: spec.id }, isolation: grade, environment: { OWN: 'yes' } });
        expect(await builds.host.create(box)).toMatchObject({ phase: 'running', isolation: grade });
        const say = async (command: string, shellName?: string) => {
          const executionId = `e-${Math.random().toString(36).slice(2)}`;
          const wish = {
            executionId,
            origin: 'exec',
            command,
            ...(shellName === undefined ? {} : { shellName }),
          } as const;
          const { stdout, stderr } = await builds.host.executeAndWait(box.id, wish, wait);
          return stdout.text + stderr.text;
        };
        expect(await say('id -un; pwd; echo $HOME $COLOUR $OWN; tool; cat built-by note')).toBe(
          'user\n/home/user\n/home/user blue yes\na tool\nuser\nmine',
        );
        if (musl) {
          expect(await say('greet')).toBe('hello from musl\n');
        }
        expect(await say('sudo id -un; sudo -n id -g; sudo cat /root/built-by; sudo tool')).toBe(
          'root\n0\nroot\na tool\n',
        );
        expect(await say('sudo env | grep -E "^(HOME|USER|SUDO_USER|OWN|COLOUR)=" | sort')).toBe(
          'HOME=/root\nSUDO_USER=user\nUSER=root\n',
        );
        expect(await say('A="a b" sudo -EH sh -c \'echo "$A" $OWN $HOME\'')).toBe('a b yes /root\n');
        expect(await say('sudo -i pwd; sudo -u user -- sh -c "id -un; id -u"; sudo -nu "#7" id -u')).toBe(
          '/root\nuser\n1000\n7\n',
        );
        expect(
          await say('sudo A=1 sh -c \'echo $A "$@"\' sh "two words"; sudo false; echo $?; sudo nothing; echo $?'),
        ).toBe('1 two words\n1\n1\nsudo: nothing: command not found\n');
        expect(await say('sudo chown root:root note && ls -ln note | cut -d" " -f1')).toMatch(/^-rw-r--r--\n$/);
        await say('cd /tmp; KEPT=here', 'main');
        expect(await say('pwd; echo $KEPT; sudo id -u', 'main')).toBe('/tmp\nhere\n0\n');
        expect(await say('exit 3', 'main')).toBe('');
        await builds.host.writeFile(box.id, 'written', pieces('one ', 'two'));
        expect(await say('cat written; stat -c %U written')).toBe('one twouser\n');
        expect(await collect((await builds.host.readFile(box.id, 'built-by')).body)).toBe('user\n');
        // Nobody else of the box may use it.
        expect(await say('sudo -u "#7" sudo id -u')).toMatch(/is not in the sudoers file/);
        await builds.host.destroy(box.id);
      });
    });

    it.each(['alpine:3.20', 'python:3.13', 'registry.example/team/base:1'])(
      'that nobody can make here fail, and say what can be configured (%s)',
      async (name) => {
        const { state } = await builds.build(`FROM ${name}\nRUN true`);
        expect(state).toMatchObject({ phase: 'failed', failure: 'base_unavailable' });
        expect(state.detail).toContain('BERTH_REGISTRIES_CONF');
      },
    );

    it('without a shell are refused with the reason', async () => {
      const { state } = await builds.build('FROM scratch\nCOPY etc/passwd /etc/passwd', {}, archives.get(false));
      expect(state).toMatchObject({ phase: 'failed', failure: 'build_failed' });
      expect(state.detail).toContain('/bin/sh');
    });
  },
);
