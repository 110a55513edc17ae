import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { apiError } from '../errors/api-error.ts';
import { retryHeaders, translateError } from '../errors/translate.ts';
import { sendJson } from './answer.ts';
import type { AppParts } from './app-parts.ts';
import { Exchange } from './exchange.ts';
import type { RequestListener } from './front-door.ts';
import { handleRoute } from './handle-route.ts';
import { allowedMethods } from './path-match.ts';
import { breakOff } from './response-state.ts';
import { ClientGone } from './stream-out.ts';

/** A body that goes on after its answer is read away for this long, then the connection is broken. */
const leftoverBodyMs = 30_000;

/** Path of Fastify for a path of the contract. */
const fastifyPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

const sendError = (reply: FastifyReply, exchange: Exchange, thrown: unknown): void => {
  if (thrown instanceof ClientGone) {
    breakOff(reply.raw);
    return;
  }
  const error = translateError(thrown, exchange.requestId);
  if (error.code === 'internal') {
    exchange.log.error({ err: thrown, requestId: exchange.requestId }, 'request failed');
  } else if (error.status >= 500 && error.cause !== undefined) {
    exchange.log.warn({ err: error.cause, requestId: exchange.requestId }, error.message);
  }
  if (reply.raw.headersSent || reply.raw.destroyed) {
    breakOff(reply.raw);
    return;
  }
  sendJson(reply.raw, error.status, JSON.stringify(error.body()), retryHeaders(error));
};

/**
 * Reads what is left of a body away, so that it neither fills memory nor blocks the next request of the connection. One that nobody began to
 * read is left to Node, which reads it away (HTTP/1) or closes the stream (HTTP/2).
 */
const discardRest = (request: IncomingMessage): void => {
  if (!request.complete && !request.destroyed) {
    if (request.readableFlowing !== null) {
      request.resume();
    }
    setTimeout(() => request.complete || request.destroy(), leftoverBodyMs).unref();
  }
};

/** Logs and counts a request once its answer is over. Never logs headers, bodies or queries: they hold secrets. */
const observe = (
  parts: AppParts,
  request: FastifyRequest,
  reply: FastifyReply,
  requestId: string,
  path: string,
): void => {
  const began = performance.now();
  const raw = reply.raw as ServerResponse;
  raw.on('finish', () => discardRest(request.raw));
  raw.on('close', () => {
    const seconds = (performance.now() - began) / 1000;
    parts.onDone?.(path, request.method, raw.statusCode, seconds);
    parts.log.debug({ requestId, method: request.method, path, status: raw.statusCode, seconds }, 'request');
  });
};

/** Builds the application: routing, authentication, validation, answers. Returns what a server feeds with requests. */
export const buildApp = async (
  parts: AppParts,
): Promise<{ readonly app: FastifyInstance; readonly listener: RequestListener }> => {
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true },
    // Bodies are read by the route, not by Fastify.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    frameworkErrors: (_error, request, reply) => {
      serve(request, reply, 'unknown', () => {
        throw apiError('invalidRequest', { problem: 'the path is not well-formed' });
      });
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  const serve = (
    request: FastifyRequest,
    reply: FastifyReply,
    path: string,
    work: (exchange: Exchange) => Promise<void> | void,
  ): void => {
    reply.hijack();
    const requestId = randomUUID();
    reply.raw.setHeader('berth-request-id', requestId);
    reply.raw.on('error', () => undefined);
    request.raw.on('error', () => undefined);
    observe(parts, request, reply, requestId, path);
    const exchange = new Exchange({
      requestId,
      request: request.raw,
      response: reply.raw,
      log: parts.log,
      closing: parts.closing,
    });
    Promise.resolve()
      .then(() => work(exchange))
      .catch((error: unknown) => sendError(reply, exchange, error));
  };

  for (const route of parts.routes) {
    const { contract } = route;
    app.route({
      method: contract.method,
      url: fastifyPath(contract.path),
      handler: (request, reply) =>
        serve(request, reply, contract.path, (exchange) =>
          handleRoute(parts, route, exchange, request.raw, reply.raw, {
            params: request.params as Record<string, string>,
            query: request.query as Record<string, unknown>,
          }),
        ),
    });
  }
  const contracts = parts.routes.map((route) => route.contract);
  app.setNotFoundHandler((request, reply) =>
    serve(request, reply, 'unknown', () => {
      const path = (request.url.split('?')[0] ?? '').slice(0, 256);
      const allowed = allowedMethods(contracts, path);
      if (allowed.length === 0) {
        throw apiError('routeNotFound', { method: request.method, path });
      }
      reply.raw.setHeader('allow', allowed.join(', '));
      throw apiError('methodNotAllowed', { method: request.method, path, allowed: allowed.join(', ') });
    }),
  );
  await app.ready();
  return { app, listener: (request, response) => app.routing(request, response) };
};
