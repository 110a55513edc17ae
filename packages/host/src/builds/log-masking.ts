/** Shorter values would mask ordinary text. */
const MIN_MASKED = 4;
const MASK = '***';

/** Hides every value, and every line of one that has several, wherever it appears in a line. */
export function masking(secrets: Readonly<Record<string, string>>): (line: string) => string {
  const values = Object.values(secrets)
    .flatMap((value) => [value, ...value.split(/\r?\n/)])
    .flatMap((value) => [
      value,
      value.trim(),
      Buffer.from(value).toString('base64'),
      JSON.stringify(value).slice(1, -1),
    ])
    .filter((value) => value.length >= MIN_MASKED);
  const wanted = [...new Set(values)].sort((one, other) => other.length - one.length);
  return (line) => wanted.reduce((text, value) => text.replaceAll(value, MASK), line);
}
