import { z } from 'zod';
import { errors } from './errors.ts';
import type { BodyShape, ResponseShape, RouteContract } from './route.ts';
import { isSchema } from './route.ts';

type Json = { readonly [name: string]: unknown };

/** Schema as the sender writes it (`input`) or the reader sees it (`output`). */
const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  return rest;
};

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}

const parameters = (schema: z.ZodType, place: 'path' | 'query'): Json[] => {
  const object = jsonSchema(schema, 'input') as ObjectSchema;
  return Object.entries(object.properties ?? {}).map(([name, value]) => ({
    name,
    in: place,
    required: place === 'path' || (object.required ?? []).includes(name),
    schema: value,
  }));
};

const requestBody = (method: string, body: BodyShape): Json => {
  if (!isSchema(body)) {
    return { requestBody: { required: true, content: { [body.contentType]: { schema: body.schema ?? {} } } } };
  }
  const schema = jsonSchema(body, 'input') as ObjectSchema & Json;
  if (method === 'GET' || Object.keys(schema.properties ?? {}).length === 0) {
    return {};
  }
  const required = (schema.required ?? []).length > 0;
  return { requestBody: { required, content: { 'application/json': { schema } } } };
};

const successContent = (response: ResponseShape): Json => {
  if (isSchema(response)) {
    return { 'application/json': { schema: jsonSchema(response, 'output') } };
  }
  switch (response.kind) {
    case 'text':
      return { 'text/plain': { schema: { type: 'string' } } };
    case 'bytes':
      return { [response.contentType ?? 'application/octet-stream']: { schema: {} } };
    case 'sse':
      return { 'text/event-stream': { schema: { type: 'string' }, 'x-event': jsonSchema(response.event, 'output') } };
    case 'empty':
      return { 'application/json': { schema: { type: 'object' } } };
  }
};

const operation = (contract: RouteContract): Json => ({
  operationId: contract.operationId,
  summary: contract.summary,
  tags: [contract.tag],
  ...(contract.access === 'public' ? { security: [] } : {}),
  parameters: [...parameters(contract.params, 'path'), ...parameters(contract.query, 'query')],
  ...requestBody(contract.method, contract.body),
  responses: {
    200: { description: 'success', content: successContent(contract.response) },
    default: { $ref: '#/components/responses/Error' },
  },
});

const errorSchema: Json = {
  type: 'object',
  required: ['code', 'message', 'hint', 'retryable'],
  properties: {
    code: { type: 'string', enum: Object.keys(errors) },
    message: { type: 'string' },
    hint: { type: 'string' },
    retryable: { type: 'boolean' },
  },
};

/** The routes as an OpenAPI 3.1 document. */
export const openApiDocument = (contracts: readonly RouteContract[], version: string): Record<string, unknown> => {
  const paths: Record<string, Record<string, Json>> = {};
  for (const contract of contracts) {
    paths[contract.path] = { ...paths[contract.path], [contract.method.toLowerCase()]: operation(contract) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Berth',
      version,
      description: 'Isolated devboxes for agents, behind the Runloop API.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'an API key, ak_… or rk_…' } },
      schemas: { Error: errorSchema },
      responses: {
        Error: {
          description: 'an error of the registry; clients show its message',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  };
};
