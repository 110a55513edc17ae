import Runloop, { RunloopSDK } from '@runloop/api-client';
import { inject } from 'vitest';
import type { PlatformAddress } from './address.ts';

/** How the official client reaches the server: its default (h2c with prior knowledge) and HTTP/1.1. */
export const transports = ['http2', 'http1'] as const;
export type Transport = (typeof transports)[number];

/** The platform that this file's group shares. */
export const shared = (): PlatformAddress => inject('platform');

/** Boxes of this group have a kernel of their own. */
export const sandboxed = (): boolean => shared().isolation === 'gvisor';

const options = (transport: Transport, address: PlatformAddress) => ({
  baseURL: address.baseUrl,
  bearerToken: address.apiKey,
  timeout: 120_000,
  ...(transport === 'http1' ? { http2: false } : {}),
});

/** The official client. Without retries, so that an answer is seen as it was given. */
export const rawClient = (transport: Transport = 'http2', address: PlatformAddress = shared()): Runloop =>
  new Runloop({ ...options(transport, address), maxRetries: 0 });

/** The official object-oriented client, with its own retries. */
export const sdkClient = (transport: Transport = 'http2', address: PlatformAddress = shared()): RunloopSDK =>
  new RunloopSDK(options(transport, address));

/** A plain request without any client library: for what the clients cannot or will not send. */
export const request = (
  path: string,
  init: RequestInit & { readonly key?: string | null } = {},
  address: PlatformAddress = shared(),
): Promise<Response> => {
  const { key = address.apiKey, headers, ...rest } = init;
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
  return fetch(`${address.baseUrl}${path}`, {
    ...rest,
    headers: { 'content-type': 'application/json', ...authorization, ...Object.fromEntries(new Headers(headers)) },
  });
};
