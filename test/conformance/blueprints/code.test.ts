import { describe, expect, it } from 'vitest';
import { output, withBox } from '../../platform/boxes.ts';
import { rawClient } from '../../platform/clients.ts';
import { gitToken, gitUrl, makeRepository } from '../../platform/git.ts';
import { built, withBlueprint } from './blueprints.ts';

const client = rawClient();

describe('code mounts of blueprints (API §12.2)', () => {
  it('are in the image with history, submodules and what was installed; the token is nowhere', async () => {
    const inner = makeRepository('ada/inner');
    inner.commit({ inner: 'within\n' });
    const repository = makeRepository('private/outer');
    repository.commit({ 'README.md': 'old\n' });
    repository.git('submodule', 'add', '--quiet', `${gitUrl()}/ada/inner.git`, 'deep/inner');
    repository.git('checkout', '--quiet', '-b', 'topic');
    const commit = repository.commit({ 'README.md': 'new\n' });
    const mount = { repo_owner: 'private', repo_name: 'outer', token: gitToken, git_ref: 'topic' };
    const wish = {
      name: 'code',
      file_mounts: { 'before.txt': 'there' },
      code_mounts: [{ ...mount, install_command: 'pwd; env; cat ../before.txt deep/inner/inner > installed' }],
      system_setup_commands: ['test -e outer/installed && git -C outer rev-parse HEAD > commit'],
    };
    await withBlueprint(client, wish, async ({ id, status, failure_reason }) => {
      const { logs } = await client.blueprints.logs(id);
      const text = logs.map(({ message }) => message).join('\n');
      expect([status, failure_reason], text).toEqual(['build_complete', null]);
      expect(text).toContain('/home/user/outer');
      expect(text).not.toContain(gitToken);
      await withBox(client, { blueprint_id: id }, async (box) => {
        const say = (command: string) => output(client, box.id, command);
        expect(await say('cat commit outer/README.md outer/installed')).toBe(`${commit}\nnew\ntherewithin\n`);
        expect(await say('cd outer && git status -sb && git log --oneline | wc -l && git fsck 2>&1')).toBe(
          '## topic...origin/topic\n?? installed\n2\n',
        );
        expect(await say('git -C outer config remote.origin.url; find outer ! -user user | wc -l')).toBe(
          `${gitUrl()}/private/outer.git\n0\n`,
        );
        // Written so that the search does not find itself.
        const pattern = gitToken.replace('+', '[+]');
        expect(
          await say(`sudo grep -rlE '${pattern}' /home /root /etc /tmp /var /opt /proc/*/environ 2> /dev/null; true`),
        ).toBe('');
        expect(await say('env | grep TOKEN; true')).toBe('');
      });
    });
  });

  it('are what the branch is now, and in the cache while it stays there', async () => {
    const repository = makeRepository('ada/moving');
    const first = repository.commit({ a: 'one' });
    const wish = { name: 'moving', code_mounts: [{ repo_owner: 'ada', repo_name: 'moving' }] };
    const commitOf = async (): Promise<[string, boolean]> => {
      const { id } = await built(client, wish);
      const { logs } = await client.blueprints.logs(id);
      const isKnown = logs.some(({ message }) => message.includes('every step is in the cache'));
      const found = await withBox(client, { blueprint_id: id }, (box) =>
        output(client, box.id, 'git -C moving rev-parse HEAD'),
      );
      await client.blueprints.delete(id);
      return [found.trim(), isKnown];
    };
    expect(await commitOf()).toEqual([first, false]);
    const second = repository.commit({ a: 'two' });
    expect(await commitOf()).toEqual([second, false]);
    const blueprint = await built(client, wish);
    expect(await commitOf()).toEqual([second, true]);
    await client.blueprints.delete(blueprint.id);
  });

  it('stand beside a context, and fail the build when they cannot be had', async () => {
    makeRepository('ada/beside').commit({ b: 'b' });
    const { id, upload_url } = await client.objects.create({ name: 'context', content_type: 'tar' });
    const entry = Buffer.alloc(2_048);
    entry.write('given', 0);
    entry.write('0000644\x000000000\x000000000\x0000000000004\x0000000000000\x00        0', 100);
    entry.write('ustar\x0000', 257);
    const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    entry.write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
    entry.write('mine', 512);
    await fetch(upload_url ?? '', { method: 'PUT', body: entry });
    await client.objects.complete(id);
    const wish = {
      name: 'beside',
      dockerfile: 'FROM berth:base\nCOPY given /given',
      build_context: { type: 'object' as const, object_id: id },
      code_mounts: [{ repo_owner: 'ada', repo_name: 'beside' }],
    };
    await withBlueprint(client, wish, async (blueprint) => {
      await withBox(client, { blueprint_id: blueprint.id }, async (box) => {
        expect(await output(client, box.id, 'cat /given beside/b; ls ~')).toBe('minebbeside\n');
      });
    });
    const absent = await built(client, { name: 'absent', code_mounts: [{ repo_owner: 'ada', repo_name: 'absent' }] });
    expect(absent).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    await client.blueprints.delete(absent.id);
    await client.objects.delete(id);
  });
});
