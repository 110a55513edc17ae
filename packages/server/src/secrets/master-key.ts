import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';

/** A value as it is stored. */
export interface Sealed {
  readonly keyId: string;
  readonly bytes: Buffer;
}

/** Seals values with AES-256-GCM. A sealed value opens only for the account and secret it was sealed for. */
export class MasterKey {
  /** Names the key in the database, so that a wrong key file is told from a damaged row. */
  readonly id: string;
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== keyBytes) {
      throw new Error(`a master key has ${keyBytes} bytes, this one ${key.length}`);
    }
    this.#key = key;
    this.id = createHash('sha256').update('berth master key id').update(key).digest('hex').slice(0, 16);
  }

  /** Encrypts under a fresh random nonce. */
  seal(value: string, account: string, secretId: string): Sealed {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce);
    cipher.setAAD(additionalData(account, secretId));
    const ciphertext = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return { keyId: this.id, bytes: Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]) };
  }

  /** Proves, to the holder of this key, that it made the text, for one purpose. 43 characters of base64url. */
  sign(purpose: string, text: string): string {
    const key = hkdfSync('sha256', this.#key, '', `berth ${purpose}`, keyBytes);
    return createHmac('sha256', Buffer.from(key)).update(text).digest('base64url');
  }

  /** Decrypts. Throws when the value was sealed by another key, for another secret, or was altered. */
  open(sealed: Sealed, account: string, secretId: string): string {
    if (sealed.keyId !== this.id) {
      throw new Error(`secret ${secretId} was sealed with master key ${sealed.keyId}, the one in use is ${this.id}`);
    }
    const nonce = sealed.bytes.subarray(0, nonceBytes);
    const tag = sealed.bytes.subarray(sealed.bytes.length - tagBytes);
    const decipher = createDecipheriv(algorithm, this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(additionalData(account, secretId));
    decipher.setAuthTag(tag);
    const ciphertext = sealed.bytes.subarray(nonceBytes, sealed.bytes.length - tagBytes);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  }
}

const additionalData = (account: string, secretId: string): Buffer => Buffer.from(`${account}\0${secretId}`);

/** Reads the key file. Refuses one that others may read, and one of the wrong size. */
export const readMasterKey = async (path: string): Promise<MasterKey> => {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} can be read by others (mode ${(mode & 0o777).toString(8)}); make it 0600`);
  }
  return new MasterKey(await readFile(path));
};

/** Makes a key file, durably, that only its owner can read. Leaves an existing one alone. Returns whether it made one. */
export const createMasterKey = async (path: string): Promise<boolean> => {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return false;
    }
    throw error;
  }
  try {
    await file.writeFile(randomBytes(keyBytes));
    await file.sync();
  } finally {
    await file.close();
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return true;
};
