import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, whatBecameOf, withBox } from '../../platform/boxes.ts';
import { rawClient, sdkClient, type Transport, transports } from '../../platform/clients.ts';

type ContentType = 'unspecified' | 'text' | 'binary' | 'gzip' | 'tar' | 'tgz';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-mounts-'));
  mkdirSync(join(folder, 'tree/deep'), { recursive: true });
  writeFileSync(join(folder, 'tree/deep/one.txt'), 'one\n');
  writeFileSync(join(folder, 'tree/run.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const tar = (...words: string[]): Buffer => {
  const { status, stdout, stderr } = spawnSync('tar', words, { maxBuffer: 2 ** 30 });
  if (status !== 0) {
    throw new Error(String(stderr));
  }
  return stdout;
};

const upload = async (transport: Transport, bytes: Buffer, type: ContentType): Promise<string> => {
  const object = await sdkClient(transport).storageObject.uploadFromBuffer(bytes, `mounted ${type}`, type, {});
  return object.id;
};

describe.each(transports)('object and file mounts over %s (API §11)', (transport) => {
  const client = rawClient(transport);

  it('are in the box before it runs, and belong to its user', async () => {
    const archive = tar('-C', join(folder, 'tree'), '-cf', '-', '.');
    const [text, gzip, plain, packed, binary] = await Promise.all([
      upload(transport, Buffer.from('text ü\n'), 'text'),
      upload(transport, gzipSync('unpacked\n'), 'gzip'),
      upload(transport, archive, 'tar'),
      upload(transport, gzipSync(archive), 'tgz'),
      upload(transport, Buffer.from([0, 255, 10]), 'binary'),
    ]);
    const mounts = [
      { type: 'object_mount' as const, object_id: text ?? '', object_path: '/home/user/deep/er/text' },
      { type: 'object_mount' as const, object_id: gzip ?? '', object_path: '/home/user/plain' },
      { type: 'object_mount' as const, object_id: plain ?? '', object_path: '/home/user/tar' },
      { type: 'object_mount' as const, object_id: packed ?? '', object_path: '/srv/new/tgz' },
      { type: 'object_mount' as const, object_id: binary ?? '', object_path: '/opt/binary' },
      { type: 'file_mount' as const, target: '/etc/app/settings', content: 'a=1\n' },
    ];
    const launch_parameters = { launch_commands: ['cat ~/deep/er/text /srv/new/tgz/deep/one.txt > ~/seen'] };
    await withBox(client, { mounts, launch_parameters }, async ({ id }) => {
      expect(await output(client, id, 'cat ~/seen ~/plain ~/tar/deep/one.txt /etc/app/settings')).toBe(
        'text ü\none\nunpacked\none\na=1\n',
      );
      expect(await output(client, id, '~/tar/run.sh; od -An -tx1 /opt/binary')).toBe('ran\n 00 ff 0a\n');
      const owned =
        '~/deep ~/deep/er/text ~/plain ~/tar/deep/one.txt /srv/new /srv/new/tgz/run.sh /opt/binary /etc/app/settings';
      expect(await output(client, id, `stat -c %U ${owned} | sort -u`)).toBe('user\n');
    });
  });
});

describe('archives that mean harm', () => {
  const client = rawClient();
  const failureOf = async (bytes: Buffer, type: ContentType, launch_parameters = {}): Promise<string> => {
    const object_id = await upload('http2', bytes, type);
    const { status, state_transitions } = await whatBecameOf(client, {
      mounts: [{ type: 'object_mount', object_id, object_path: '/home/user/in' }],
      launch_parameters,
    });
    const history: ReadonlyArray<object & { detail?: string }> = state_transitions;
    return `${status}: ${history.at(-1)?.detail}`;
  };
  const python = (program: string): Buffer => {
    const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { maxBuffer: 2 ** 30 });
    if (status !== 0) {
      throw new Error(String(stderr));
    }
    return stdout;
  };
  const archive = (body: string): Buffer =>
    python(`import tarfile, io, sys
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
def put(name, kind=tarfile.REGTYPE, link="", data=b"x", **more):
    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data) if kind == tarfile.REGTYPE else 0
    for k, v in more.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
${body}
t.close()`);

  it.each([
    ['climbs out', 'put("../../etc/evil")', /points outside/],
    ['goes through a link that it brought', 'put("l", tarfile.SYMTYPE, "/etc"); put("l/evil")', /object mount/],
  ])('fail the box, with the reason, when one %s', async (_how, body, why) => {
    const told = await failureOf(archive(body), 'tar');
    expect(told).toMatch(/^failure: object mount \/home\/user\/in/);
    expect(told).toMatch(why);
  });

  it('bring no devices, no set-id programs, no foreign owners; links that lead nowhere are harmless', async () => {
    const bytes = archive(
      'put("dev", tarfile.CHRTYPE, devmajor=1, devminor=5); put("suid", mode=0o4755, uid=0); put("dangling", tarfile.SYMTYPE, "/nowhere"); put("root", tarfile.SYMTYPE, "/"); put("pipe", tarfile.FIFOTYPE)',
    );
    const object_id = await upload('http2', bytes, 'tar');
    const mounts = [{ type: 'object_mount' as const, object_id, object_path: '/home/user/in' }];
    await withBox(client, { mounts }, async ({ id }) => {
      expect(await output(client, id, 'cd in; ls; stat -c "%a %U" suid')).toBe('dangling\nroot\nsuid\n755 user\n');
    });
  });

  it('grow no further than the disk of the box', { timeout: 300_000 }, async () => {
    const header = python(
      'import tarfile, sys\ni = tarfile.TarInfo("zeros"); i.size = 3 << 30\nsys.stdout.buffer.write(i.tobuf())',
    );
    const zeros = gzipSync(Buffer.alloc(64 * 1024 ** 2));
    const bomb = Buffer.concat([gzipSync(header), ...Array.from({ length: 48 }, () => zeros)]);
    expect(bomb.length).toBeLessThan(100_000_000);
    const small = {
      resource_size_request: 'CUSTOM_SIZE',
      custom_cpu_cores: 1,
      custom_gb_memory: 2,
      custom_disk_size: 2,
    };
    expect(await failureOf(bomb, 'tgz', small)).toMatch(/^failure: object mount .*no space left/);
  });

  it('are not what they say', async () => {
    expect(await failureOf(Buffer.from('no archive at all'), 'tgz')).toMatch(/^failure: object mount .*damaged/);
    expect(await failureOf(Buffer.from('not compressed'), 'gzip')).toMatch(/^failure: object mount .*not gzip/);
  });
});
