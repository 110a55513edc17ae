import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMasterKey, MasterKey, readMasterKey } from '../src/secrets/master-key.ts';

const key = new MasterKey(randomBytes(32));

describe('sealing', () => {
  it('gives back every value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(key.open(key.seal(value, 'acc', 'sec'), 'acc', 'sec')).toBe(value);
      }),
    );
  });

  it('never seals the same value to the same bytes', () => {
    const sealed = Array.from({ length: 100 }, () => key.seal('value', 'acc', 'sec').bytes.toString('hex'));
    expect(new Set(sealed).size).toBe(100);
  });

  it('opens only for the account and secret it was sealed for', () => {
    const sealed = key.seal('value', 'acc', 'sec');
    expect(() => key.open(sealed, 'other', 'sec')).toThrow();
    expect(() => key.open(sealed, 'acc', 'other')).toThrow();
    expect(() => key.open(sealed, 'accsec', '')).toThrow();
  });

  it('notices every changed byte', () => {
    const sealed = key.seal('value', 'acc', 'sec');
    for (let index = 0; index < sealed.bytes.length; index += 1) {
      const bytes = Buffer.from(sealed.bytes);
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      expect(() => key.open({ ...sealed, bytes }, 'acc', 'sec')).toThrow();
    }
    expect(() => key.open({ ...sealed, bytes: sealed.bytes.subarray(0, 20) }, 'acc', 'sec')).toThrow();
    expect(() => key.open({ ...sealed, bytes: Buffer.alloc(0) }, 'acc', 'sec')).toThrow();
  });

  it('tells a wrong key from a damaged value', () => {
    const other = new MasterKey(randomBytes(32));
    expect(() => other.open(key.seal('value', 'acc', 'sec'), 'acc', 'sec')).toThrow(key.id);
  });

  it('refuses keys of another size', () => {
    expect(() => new MasterKey(randomBytes(16))).toThrow('32 bytes');
  });
});

describe('the key file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-key-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is made once, for its owner only, and never replaced', async () => {
    const path = join(directory, 'master.key');
    expect(await createMasterKey(path)).toBe(true);
    const first = await readFile(path);
    expect(first).toHaveLength(32);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await createMasterKey(path)).toBe(false);
    expect(await readFile(path)).toEqual(first);
    expect((await readMasterKey(path)).id).toBe(new MasterKey(first).id);
  });

  it('is refused when others can read it, or when it is no key', async () => {
    const path = join(directory, 'master.key');
    await createMasterKey(path);
    await chmod(path, 0o640);
    await expect(readMasterKey(path)).rejects.toThrow('0600');
    await writeFile(path, 'short');
    await chmod(path, 0o600);
    await expect(readMasterKey(path)).rejects.toThrow('32 bytes');
    await expect(readMasterKey(join(directory, 'none'))).rejects.toThrow('ENOENT');
  });
});
