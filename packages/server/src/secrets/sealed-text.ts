import type { SecretService } from './service.ts';

/** A sealed value as JSON holds it. */
export interface SealedText {
  readonly keyId: string;
  readonly sealed: string;
}

/** Seals a value that a row keeps for a while, for this purpose of this account alone. */
export const sealText = (
  secrets: Pick<SecretService, 'seal'>,
  account: string,
  purpose: string,
  value: string,
): SealedText => {
  const { keyId, bytes } = secrets.seal(account, purpose, value);
  return { keyId, sealed: bytes.toString('base64') };
};

/** Opens what {@link sealText} has sealed. Throws when account or purpose is another one, or the value was altered. */
export const openText = (
  secrets: Pick<SecretService, 'open'>,
  account: string,
  purpose: string,
  { keyId, sealed }: SealedText,
): string => secrets.open(account, purpose, { keyId, bytes: Buffer.from(sealed, 'base64') });
