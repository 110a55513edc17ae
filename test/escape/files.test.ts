import { toFile } from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { refusal } from '../platform/answers.ts';
import { output, useBox } from '../platform/boxes.ts';
import { sandboxed } from '../platform/clients.ts';

describe('files as a way out (CVE-2018-15664, CVE-2019-14271: copy races and hostile trees)', () => {
  const box = useBox();
  const read = (file_path: string) => box.client.devboxes.readFileContents(box.id, { file_path });

  it('an absolute link is resolved inside the box, never outside', async () => {
    await output(box.client, box.id, 'ln -sf /etc/hostname name');
    expect(await read('name')).toBe(await output(box.client, box.id, 'cat /etc/hostname'));
  });

  it('a link that is swapped during downloads shows only files of the user', { timeout: 60_000 }, async () => {
    await output(box.client, box.id, 'echo mine > mine');
    const swapper = 'while :; do ln -sfn mine race; ln -sfn /etc/shadow race; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: swapper });
    const texts = await Promise.all(
      Array.from({ length: 200 }, () =>
        box.client.devboxes
          .downloadFile(box.id, { path: 'race' })
          .then((answer) => answer.text())
          .catch(() => 'refused'),
      ),
    );
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
    expect(new Set(texts).has('mine\n') || new Set(texts).has('refused')).toBe(true);
    expect(texts.filter((text) => text !== 'mine\n' && text !== 'refused')).toEqual([]);
  });

  it('an upload through a directory that is swapped writes only where the user may', { timeout: 60_000 }, async () => {
    await output(box.client, box.id, 'mkdir -p own');
    const swapper = 'while :; do ln -sfn own way; ln -sfn /etc way; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: swapper });
    const file = await toFile(Buffer.from('x'), 'f');
    await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) =>
        box.client.devboxes.uploadFile(box.id, { path: `way/up-${index}`, file }),
      ),
    );
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
    expect(await output(box.client, box.id, 'ls /etc | grep -c ^up- || true')).toBe('0\n');
  });

  it('the folder of the link shows no other box and nothing of the host', async () => {
    const listing = await output(box.client, box.id, 'sudo ls -lan /.berth; sudo ls -lan /.berth/run 2>&1 || true');
    expect(listing).not.toMatch(/dbx_/);
    expect(
      await output(
        box.client,
        box.id,
        'sudo sh -c "echo x > /.berth/run/new" 2>/dev/null && echo written || echo refused',
      ),
    ).toBe('refused\n');
  });

  it('/proc of the guest gives away neither its memory nor its environment to the user', async () => {
    expect((await refusal(read('/proc/1/environ'))).status).toBe(400);
    expect((await refusal(read('/proc/1/mem'))).status).toBe(400);
  });

  it('the mount table says neither where its layers lie nor what other boxes there are', async () => {
    const mounts = await output(box.client, box.id, 'sudo cat /proc/self/mountinfo');
    const places = [...mounts.matchAll(/\b(?:lowerdir|upperdir|workdir)=([^,\s]+)/g)].flatMap((match) =>
      (match[1] ?? '').split(':'),
    );
    // A kernel of the box's own knows of no overlay.
    expect(places.length).toBeGreaterThanOrEqual(sandboxed() ? 0 : 3);
    expect(places.filter((place) => !place.startsWith('/proc/self/fd/'))).toEqual([]);
    // Its own place, under whose name its folder and its control groups lie.
    expect(new Set(mounts.match(/dbx_[0-9A-Za-z]+/g)).size).toBeLessThanOrEqual(1);
  });
});
