import { type ErrorBody, type ErrorCode, type ErrorValues, errors } from '@berth/contract';

const fill = (template: string, values: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{(\w+)\}/g, (place, name: string) => (name in values ? String(values[name]) : place));

/** An error meant for the caller, taken from the registry. Anything else that is thrown is answered as `internal`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly hint: string;

  /** Use {@link apiError}, which checks the values against the registry. */
  constructor(code: ErrorCode, values: Readonly<Record<string, string | number>>, cause?: unknown) {
    const definition = errors[code];
    super(fill(definition.message, values), cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = definition.status;
    this.retryable = definition.retryable;
    this.hint = fill(definition.hint, values);
  }

  /** What the caller gets to read. */
  body(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable };
  }
}

/** Makes the error of that code; `values` fill the places of its message and hint. */
export const apiError = <Code extends ErrorCode>(
  code: Code,
  ...[values, cause]: keyof ErrorValues<Code> extends never
    ? [values?: ErrorValues<Code>, cause?: unknown]
    : [values: ErrorValues<Code>, cause?: unknown]
): ApiError => new ApiError(code, values ?? {}, cause);
