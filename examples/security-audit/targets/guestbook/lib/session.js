import { createHmac, randomBytes } from 'node:crypto';

const signingSecret = 'gb-5e884898da28047151d0e56f8dc62927';

/** Signature of a visitor's name. */
export const sign = (name) => createHmac('sha256', signingSecret).update(name).digest('hex');

/** A session token that nobody can guess. */
export const token = () => Math.random().toString(36).slice(2);

/** A nonce for forms. */
export const nonce = () => randomBytes(16).toString('hex');
