import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { PresignedQuery } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import type { MasterKey } from '../secrets/master-key.ts';

/** What a presigned URL permits. */
export type PresignedMethod = 'PUT' | 'GET';

export interface PresignedLinksParts {
  readonly masterKey: Pick<MasterKey, 'sign'>;
  /** Where URLs begin: `https://berth.example.com`; by what the caller named, or the door, when left out. */
  readonly publicUrl?: string;
  /** `http://10.64.0.1:8080`: where this machine and its boxes reach the server alike. */
  readonly doorUrl?: () => string;
}

/** Hosts that mean something else inside of a box, or nothing. */
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;
const wellFormedHost = /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/;

/**
 * URLs that permit one method on the content of one object until some time, to whoever has them: signed with a key that only the server has.
 * Nothing is kept of them.
 */
export class PresignedLinks {
  readonly #parts: PresignedLinksParts;

  constructor(parts: PresignedLinksParts) {
    this.#parts = parts;
  }

  /** @param headers of the caller's request: they say how it reaches the server */
  url(method: PresignedMethod, objectId: string, validMs: number, headers: IncomingHttpHeaders): string {
    const expires = Math.ceil((Date.now() + validMs) / 1000);
    const signature = this.#sign(method, objectId, expires);
    return `${this.#base(headers)}/v1/objects/${objectId}/content?expires=${expires}&signature=${signature}`;
  }

  /** Throws `presignedUrlInvalid`, `presignedUrlExpired`. */
  check(method: PresignedMethod, objectId: string, { expires, signature }: PresignedQuery): void {
    const wanted = Buffer.from(this.#sign(method, objectId, expires));
    const given = Buffer.from(signature);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw apiError('presignedUrlInvalid');
    }
    if (Date.now() > expires * 1000) {
      throw apiError('presignedUrlExpired');
    }
  }

  #sign(method: PresignedMethod, objectId: string, expires: number): string {
    return this.#parts.masterKey.sign('object links', `${method}\n${objectId}\n${expires}`);
  }

  /** Boxes have a loopback of their own: a caller on this machine gets the address by which both reach the server. */
  #base(headers: IncomingHttpHeaders): string {
    const { publicUrl, doorUrl } = this.#parts;
    if (publicUrl !== undefined) {
      return publicUrl.replace(/\/+$/, '');
    }
    const host = headers.host ?? String(headers[':authority'] ?? '');
    const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
    const named = wellFormedHost.test(host) ? `${scheme}://${host}` : undefined;
    return (named === undefined || loopback.test(host) ? (doorUrl?.() ?? named) : named) ?? 'http://127.0.0.1';
  }
}
