import { describe, expect, it } from 'vitest';
import { output, run, withBox } from '../../platform/boxes.ts';
import { rawClient, request, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('what a devbox starts with, over %s (API §3.5, §3.6)', (transport) => {
  const client = rawClient(transport);

  it('has the programs that agents call, by the names they call them', async () => {
    const names = 'bash curl git jq node npm npx pip pip3 python python3 sudo tar';
    await withBox(client, {}, async ({ id }) => {
      const missing = `for name in ${names}; do command -v "$name" >/dev/null || echo "$name is missing"; done`;
      expect(await output(client, id, missing)).toBe('');
      expect(await output(client, id, "python -c 'print(6 * 7)'")).toBe('42\n');
    });
  });

  it('shows environment variables to every command, shell and the entrypoint', async () => {
    const environment_variables = { PLAIN: 'value', QUOTED: `a "b" 'c' $HOME \`x\``, LINES: 'one\ntwo', EMPTY: '' };
    const entrypoint = 'printf %s "$QUOTED" > /tmp/seen; sleep infinity';
    await withBox(client, { environment_variables, entrypoint }, async ({ id }) => {
      for (const [name, value] of Object.entries(environment_variables)) {
        expect(await output(client, id, `printf %s "\${${name}-unset}"`)).toBe(value);
      }
      const { stdout } = await client.devboxes.execute(id, {
        command: 'printf %s "$QUOTED"',
        shell_name: 'named',
        command_id: crypto.randomUUID(),
      });
      expect(stdout).toBe(environment_variables.QUOTED);
      expect(await output(client, id, 'until [ -s /tmp/seen ]; do sleep 0.05; done; cat /tmp/seen')).toBe(
        environment_variables.QUOTED,
      );
    });
  });

  it('injects secrets by name, as they were at the start', async () => {
    const name = `secret-${crypto.randomUUID()}`;
    const sdk = sdkClient(transport);
    const secret = await sdk.secret.create({ name, value: 'first\n$value' });
    try {
      const devbox = await sdk.devbox.create({ secrets: { TOKEN: secret } });
      try {
        await client.secrets.update(name, { value: 'second' });
        expect(await output(client, devbox.id, 'printf %s "$TOKEN"')).toBe('first\n$value');
        expect(JSON.stringify(await devbox.getInfo())).not.toContain('first');
      } finally {
        await devbox.shutdown();
      }
    } finally {
      await client.secrets.delete(name);
    }
  });

  it('writes file mounts of both forms, owned by the user', async () => {
    const params = {
      file_mounts: { '/home/user/a/b.txt': 'text ü\n', 'relative.txt': 'r', '~/tilde.txt': 't' },
      mounts: [{ type: 'file_mount' as const, target: '/home/user/deep/er/c.txt', content: 'mounted' }],
    };
    await withBox(client, params, async ({ id }) => {
      expect(await output(client, id, 'cat a/b.txt relative.txt tilde.txt deep/er/c.txt')).toBe('text ü\nrtmounted');
      expect(await output(client, id, 'stat -c %U a a/b.txt deep/er/c.txt | sort -u')).toBe('user\n');
    });
  });

  it('runs launch commands in order, as the user, before it is running', async () => {
    const launch_commands = ['sleep 2; echo 1 >> order', 'whoami >> order', 'pwd >> order'];
    const created = await client.devboxes.create({ launch_parameters: { launch_commands } });
    try {
      const early = await request(`/v1/devboxes/${created.id}/wait_for_status`, {
        method: 'POST',
        body: JSON.stringify({ statuses: ['initializing', 'running'] }),
      });
      expect(((await early.json()) as { status: string }).status).toBe('initializing');
      await client.devboxes.awaitRunning(created.id);
      expect(await output(client, created.id, 'cat order')).toBe('1\nuser\n/home/user\n');
    } finally {
      await client.devboxes.shutdown(created.id);
    }
  });

  it('is a Linux with bash, sudo, curl, git, python and node, and starts in the home', async () => {
    await withBox(client, {}, async ({ id }) => {
      expect(await output(client, id, 'whoami; pwd; echo $HOME; echo $BASH_VERSION | cut -d. -f1')).toMatch(
        /^user\n\/home\/user\n\/home\/user\n\d\n$/,
      );
      expect(await output(client, id, 'sudo -n id -u; sudo -u user id -un')).toBe('0\nuser\n');
      await output(
        client,
        id,
        'for tool in curl git python3 pip3 node npm tar rsync ps ip; do command -v $tool || exit 1; done',
      );
      expect(await output(client, id, 'python3 -m venv /tmp/v && /tmp/v/bin/python -c "print(6*7)"')).toBe('42\n');
      expect(await output(client, id, 'node -p 6*7; locale charmap')).toBe('42\nUTF-8\n');
    });
  });

  it('runs as root, or as a user of its own, when asked to', async () => {
    const user_parameters = { username: 'root', uid: 0 };
    await withBox(client, { launch_parameters: { user_parameters } }, async ({ id, launch_parameters }) => {
      expect(launch_parameters.user_parameters).toEqual(user_parameters);
      expect(await output(client, id, 'id -u; pwd; touch /etc/mine && echo ok')).toBe('0\n/root\nok\n');
      await client.devboxes.writeFileContents(id, { file_path: '/etc/other', contents: 'x' });
      expect(await output(client, id, 'stat -c %u /etc/other')).toBe('0\n');
    });
    const named = { username: 'ada', uid: 1234 };
    await withBox(client, { launch_parameters: { user_parameters: named } }, async ({ id }) => {
      expect(await output(client, id, 'id -un; id -u; pwd; sudo -n id -u')).toBe('ada\n1234\n/home/ada\n0\n');
    });
  });

  it('does not run as a user whose name is no name', async () => {
    const user_parameters = { username: '../x:0:0', uid: 7 };
    const body = JSON.stringify({ launch_parameters: { user_parameters } });
    expect((await request('/v1/devboxes', { method: 'POST', body })).status).toBe(400);
  });
});

describe('sizes (API §3.6)', () => {
  const client = rawClient();

  it.each([
    ['X_SMALL', 1, 1],
    ['SMALL', 1, 2],
    ['MEDIUM', 2, 4],
  ] as const)('%s shows %d processors and %d GiB', async (resource_size_request, cpus, gibibytes) => {
    await withBox(client, { launch_parameters: { resource_size_request } }, async ({ id }) => {
      expect(await output(client, id, 'nproc')).toBe(`${cpus}\n`);
      expect(await output(client, id, "awk '/^MemTotal/{print $2}' /proc/meminfo")).toBe(
        `${gibibytes * 1024 * 1024}\n`,
      );
      expect(await output(client, id, "free -g | awk '/^Mem/{print $2}'")).toBe(`${gibibytes}\n`);
    });
  });

  it('gives a custom size, and the disk that was asked for', async () => {
    const launch_parameters = {
      resource_size_request: 'CUSTOM_SIZE',
      custom_cpu_cores: 1,
      custom_gb_memory: 4,
      custom_disk_size: 2,
    } as const;
    await withBox(client, { launch_parameters }, async ({ id }) => {
      expect(await output(client, id, "awk '/^MemTotal/{print $2}' /proc/meminfo")).toBe(`${4 * 1024 * 1024}\n`);
      const filled = await run(client, id, 'head -c 3G /dev/zero > /tmp/big');
      expect(filled.exit_status).not.toBe(0);
      expect(filled.stderr).toMatch(/No space left|quota exceeded/i);
    });
  });
});
