import type { ApiClient } from '../http/client.ts';
import { endStdin, sendStdin } from './execution.ts';

/** Bound of one message; the server takes larger ones, this keeps typing and pipes lively. */
const pieceLength = 256 * 1024;

/** Forwards a text stream to an execution's standard input, then its end. */
export const forwardStdin = async (
  client: ApiClient,
  devbox: string,
  execution: string,
  input: NodeJS.ReadStream,
): Promise<void> => {
  input.setEncoding('utf8');
  for await (const text of input as AsyncIterable<string>) {
    for (const piece of pieces(text)) {
      await sendStdin(client, devbox, execution, piece);
    }
  }
  await endStdin(client, devbox, execution);
};

/** Cuts a text at the bound, never inside a surrogate pair. */
export const pieces = (text: string, length: number = pieceLength): string[] => {
  const result: string[] = [];
  for (let start = 0; start < text.length; ) {
    const last = text.charCodeAt(start + length - 1);
    const end = start + length - (last >= 0xd800 && last <= 0xdbff && length > 1 ? 1 : 0);
    result.push(text.slice(start, end));
    start = end;
  }
  return result;
};
