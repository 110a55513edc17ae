/** Colours, on terminals only, and not where NO_COLOR is set. */
const coloured = process.stderr.isTTY && process.stdout.isTTY && !process.env['NO_COLOR'];

const paint =
  (code: number) =>
  (text: string): string =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

/** Width of a text on the terminal, colour codes left out. */
export const visibleLength = (text: string): number =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
  text.replace(/\u001b\[[0-9;]*m/g, '').length;

/** One line on standard error: progress and remarks, apart from results. */
export const remark = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** One line on standard output: a result. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
