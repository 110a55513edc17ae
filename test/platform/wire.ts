import { connect, type Socket } from 'node:net';
import type { PlatformAddress } from './address.ts';

/** A raw HTTP/1.1 request whose body is sent, or not sent, as the test likes. */
export async function openRequest(
  address: PlatformAddress,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Socket> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const made = connect(address.port, '127.0.0.1', () => resolve(made));
    made.once('error', reject);
  });
  socket.on('error', () => undefined);
  const lines = { host: 'localhost', authorization: `Bearer ${address.apiKey}`, ...headers };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n`);
  return socket;
}

/** One server-sent event's data lines of a streamed answer, parsed as JSON. */
export async function* events(answer: Response): AsyncGenerator<{ output: string; offset: number }> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of answer.body ?? []) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: ')) {
        yield JSON.parse(line.slice('data: '.length)) as { output: string; offset: number };
      }
    }
  }
}
