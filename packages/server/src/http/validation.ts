import { idPrefixes, isWellFormedId, type RouteContract } from '@berth/contract';
import type { z } from 'zod';
import { apiError } from '../errors/api-error.ts';

const describe = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message))
    .join('; ')
    .slice(0, 1_000);

/** Checks one part of a request. Throws `invalidRequest` that says what is wrong where. */
export const validate = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw apiError('invalidRequest', { problem: describe(result.error) });
  }
  return result.data;
};

/** Refuses path ids that are not well-formed with 400 (API §2.4: unknown but well-formed ones are 404). */
export const checkIds = (contract: RouteContract, params: Readonly<Record<string, string>>): void => {
  for (const [name, kind] of Object.entries(contract.ids ?? {})) {
    const id = params[name] ?? '';
    if (!isWellFormedId(kind, id)) {
      throw apiError('malformedId', { id: id.slice(0, 64), resource: kind, prefix: idPrefixes[kind] });
    }
  }
};

/** Refuses NUL in path and query: no database keeps it, so nothing is found by it. Throws `invalidRequest`. */
export const checkText = (params: Readonly<Record<string, string>>, query: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of [...Object.entries(params), ...Object.entries(query)]) {
    if (name.includes('\0') || String(value).includes('\0')) {
      throw apiError('invalidRequest', { problem: `${name.replaceAll('\0', '').slice(0, 64)}: must not contain NUL` });
    }
  }
};
