import { randomBytes } from 'node:crypto';

/** Prefix of each kind of id (API §2.1). */
export const idPrefixes = {
  account: 'acc_',
  apiKey: 'key_',
  devbox: 'dbx_',
  secret: 'sec_',
  execution: 'exc_',
  snapshot: 'snp_',
  blueprint: 'bpt_',
  agent: 'agt_',
  object: 'obj_',
  layer: 'lay_',
} as const;

export type IdKind = keyof typeof idPrefixes;

/** Characters in ASCII order, so that ids sort by age as bytes. */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const bodyLength = 21;
const timeLength = 8;
const sequenceLength = 2;
const sequenceLimit = alphabet.length ** sequenceLength;
const body = /^[0-9A-Za-z]{21}$/;

const encode = (value: number, length: number): string => {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / alphabet.length)) {
    text = (alphabet[rest % alphabet.length] ?? '0') + text;
  }
  return text;
};

/** `length` unbiased random characters: bytes beyond the largest multiple of 62 are thrown away. */
const randomText = (length: number): string => {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < 248 && text.length < length) {
        text += alphabet[byte % alphabet.length];
      }
    }
  }
  return text;
};

/** Random text of base-62 characters, for tokens and keys. */
export const randomToken = (length: number): string => randomText(length);

let lastMs = 0;
let sequence = 0;

/** A fresh id. Ids of one process sort strictly by creation, those of several by millisecond. */
export const newId = (kind: IdKind): string => {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = 0;
  } else {
    sequence += 1;
    if (sequence === sequenceLimit) {
      lastMs += 1;
      sequence = 0;
    }
  }
  const random = randomText(bodyLength - timeLength - sequenceLength);
  return idPrefixes[kind] + encode(lastMs, timeLength) + encode(sequence, sequenceLength) + random;
};

/** Whether the text has the form of an id of this kind. Says nothing of its existence. */
export const isWellFormedId = (kind: IdKind, text: string): boolean =>
  text.startsWith(idPrefixes[kind]) && body.test(text.slice(idPrefixes[kind].length));
