import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSchema } from '@berth/contract';
import { allows } from '../api-keys/scopes.ts';
import { apiError } from '../errors/api-error.ts';
import type { Answer } from '../idempotency/answer.ts';
import { idempotencyToken, requestFingerprint } from '../idempotency/token.ts';
import { isJsonAnswer, sendJson, sendSpecial } from './answer.ts';
import type { AppParts } from './app-parts.ts';
import type { Caller } from './context.ts';
import { checkDoor } from './door.ts';
import type { Exchange } from './exchange.ts';
import { defaultBodyLimitBytes, parseJson, readBody } from './request-body.ts';
import type { Route } from './route.ts';
import { checkIds, checkText, validate } from './validation.ts';

const nobody: Caller = { account: '', keyId: '', scopes: null };
/** Longer idempotency keys are refused. */
const maximumKeyLength = 1_024;

const keyOf = (request: IncomingMessage): string | undefined => {
  const header = request.headers['x-request-id'];
  const key = Array.isArray(header) ? header[0] : header;
  if (key !== undefined && key.length > maximumKeyLength) {
    throw apiError('invalidRequest', { problem: `x-request-id is longer than ${maximumKeyLength} characters` });
  }
  return key === '' ? undefined : key;
};

const toJson = (parts: AppParts, route: Route, value: unknown): Answer => {
  const shape = route.contract.response;
  if (!isSchema(shape)) {
    return { status: 200, body: '{}' };
  }
  if (parts.checkAnswers === true) {
    shape.parse(value);
  }
  return { status: 200, body: JSON.stringify(value) };
};

/** The way of one request: who, what, whether it was answered before, the handler, the answer. */
export const handleRoute = async (
  parts: AppParts,
  route: Route,
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
  input: { readonly params: Readonly<Record<string, string>>; readonly query: Readonly<Record<string, unknown>> },
): Promise<void> => {
  const { contract } = route;
  checkDoor(request, contract, parts.doorAddress);
  const caller = contract.access === 'public' ? nobody : await parts.authenticate(request.headers);
  if (contract.access !== 'public' && !allows(caller.scopes, contract.access)) {
    throw apiError('forbidden', contract.access);
  }
  checkIds(contract, input.params);
  checkText(input.params, input.query);
  const params = validate(contract.params, input.params);
  const query = validate(contract.query, input.query);
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const key = contract.method === 'GET' ? undefined : keyOf(request);
  exchange.idempotencyToken =
    key === undefined ? undefined : idempotencyToken({ account: caller.account, method: contract.method, path, key });

  const raw = isSchema(contract.body)
    ? contract.method === 'GET'
      ? Buffer.alloc(0)
      : await readBody(request, contract.bodyLimitBytes ?? defaultBodyLimitBytes)
    : undefined;
  const body = raw === undefined || !isSchema(contract.body) ? request : validate(contract.body, parseJson(raw));
  const call = exchange.call(caller, { params, query, body });
  const { response: shape } = contract;
  if (!isSchema(shape) && !isJsonAnswer(shape)) {
    await sendSpecial(response, exchange, shape, await route.handle(call));
    return;
  }
  const work = async (): Promise<Answer> => toJson(parts, route, await route.handle(call));
  const token = exchange.idempotencyToken;
  const answer =
    token !== undefined && raw !== undefined && contract.idempotency === 'replay'
      ? await parts.idempotency.run(token, requestFingerprint(search, raw), work)
      : await work();
  sendJson(response, answer.status, answer.body);
};
