import { InvalidArgumentError } from 'commander';
import { parseSeconds } from '../output/quantities.ts';

/** Collects `KEY=VALUE` options into a map; a bare `KEY` takes the caller's own value of that variable. */
export const collectPair = (text: string, pairs: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? process.env[text] : text.slice(equals + 1);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(key)) {
    throw new InvalidArgumentError('write NAME=VALUE');
  }
  if (value === undefined) {
    throw new InvalidArgumentError(`${key} is not set here; write ${key}=VALUE`);
  }
  return { ...pairs, [key]: value };
};

/** Collects an option that may be given more than once. */
export const collect = (text: string, values: readonly string[] = []): string[] => [...values, text];

/** A duration such as `90s`, `5m`, `2h`, in seconds. */
export const durationOption = (text: string): number => {
  try {
    return parseSeconds(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
};

/** Box sizes of the API, and what they mean. */
export const sizes = {
  X_SMALL: '0.5 CPU, 1 GiB',
  SMALL: '1 CPU, 2 GiB',
  MEDIUM: '2 CPU, 4 GiB',
  LARGE: '2 CPU, 8 GiB',
  X_LARGE: '4 CPU, 16 GiB',
  XX_LARGE: '8 CPU, 32 GiB',
} as const;

/** Accepts sizes in any spelling: `x-small`, `X_SMALL`. */
export const sizeOption = (text: string): string => {
  const size = text.toUpperCase().replaceAll('-', '_');
  if (!(size in sizes)) {
    throw new InvalidArgumentError(`one of ${Object.keys(sizes).join(', ')}`);
  }
  return size;
};
