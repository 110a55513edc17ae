import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/local/lock-file.ts';

describe('the lock', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-lock-'));
    path = join(directory, 'host.lock');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is had by one, and given up', () => {
    const unlock = takeLock(path);
    expect(() => takeLock(path)).toThrow(`process ${process.pid}`);
    unlock();
    expect(existsSync(path)).toBe(false);
    takeLock(path)();
  });

  it('is taken over from the dead, also when another process has their number', async () => {
    await writeFile(path, `${process.pid} 1`);
    takeLock(path)();
    const child = spawn('true');
    await once(child, 'exit');
    await writeFile(path, `${child.pid} 12345`);
    takeLock(path)();
    await writeFile(path, '');
    takeLock(path)();
  });
});
