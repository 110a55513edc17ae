import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connectHost } from '@berth/host/client';
import type Runloop from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../../packages/server/test/repositories/git-server.ts';
import { output } from '../platform/boxes.ts';
import { rawClient } from '../platform/clients.ts';
import { hostLeaks } from '../platform/host.ts';
import { boxLeftovers } from '../platform/leaks.ts';
import { Platform } from '../platform/platform.ts';
import { until } from '../platform/process.ts';
import { persist } from './persist.ts';

const fileCount = 20;
const isLayer = ({ id }: { readonly id: string }): boolean => id.startsWith('lay_');

describe('a repository that boxes share', () => {
  let git: GitServer;
  let platform: Platform;
  let client: Runloop;
  const boxes: string[] = [];
  const create = async (name: string): Promise<string> => {
    const mount = { type: 'code_mount', repo_owner: 'ada', repo_name: name } as const;
    const { id } = await client.devboxes.create({ mounts: [mount as never] });
    boxes.push(id);
    return id;
  };
  const endBoxes = async (): Promise<void> => {
    const ended = boxes.splice(0);
    await Promise.all(ended.map((id) => persist('shutdown', () => client.devboxes.shutdown(id))));
    await until('nothing of the boxes is left', () => boxLeftovers(ended).length === 0, 60_000);
  };
  const isWhole = async (id: string, name: string): Promise<void> => {
    expect((await persist('wait', () => client.devboxes.awaitRunning(id))).status).toBe('running');
    const words = `cd ${name} && git fsck 2>&1 && git status --porcelain && ls | wc -l`;
    expect(await persist('look', () => output(client, id, words))).toBe(`${fileCount}\n`);
  };
  /** What the host has of layers: boxes that they are made in, and those that are kept. */
  const layers = async () => {
    const host = connectHost(join(platform.state, 'run/host.sock'));
    try {
      return { making: (await host.list()).filter(isLayer), kept: (await host.snapshots()).filter(isLayer) };
    } finally {
      await host.close();
    }
  };

  beforeAll(async () => {
    git = await startGitServer();
    platform = await Platform.start(undefined, { BERTH_GITHUB_URL: git.url, BERTH_GIT_PRIVATE_HOSTS: git.host });
    client = rawClient('http1', platform.address);
  });
  afterAll(async () => {
    await endBoxes();
    expect(await platform.stop()).toEqual([]);
    await git.close();
  });

  it.each(['host', 'server'] as const)('is whole in each when the %s is killed while it is made', async (victim) => {
    const name = `killed-${victim}`;
    const files = Array.from({ length: fileCount }, (_, index) => [`file-${index}`, randomBytes(512 * 1024)]);
    git.make(`ada/${name}`).commit(Object.fromEntries(files));
    const before = (await layers()).kept.length;
    const first = await create(name);
    await until('a layer is being made', async () => (await layers()).making.length > 0, 60_000);
    await platform.kill(victim);
    await platform.restart(victim);
    await isWhole(first, name);
    await isWhole(await create(name), name);
    // One is kept, be it the one that was nearly done or another.
    await until('nothing half made is left', async () => (await layers()).making.length === 0, 60_000);
    await until('one is kept', async () => (await layers()).kept.length === before + 1, 60_000);
    await endBoxes();
    await until(
      'no leak is counted',
      async () => Object.values(await hostLeaks(platform)).every((count) => count === 0),
      60_000,
    );
  });
});
