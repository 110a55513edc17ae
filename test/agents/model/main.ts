import { appendFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { anthropic } from './anthropic.ts';
import { gemini } from './gemini.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';
import { type Reply, replyTo } from './reply.ts';

/**
 * A scripted model on loopback that answers in the wire formats of four vendors: `node main.ts PORT LOG`. Each request leaves a line in the log.
 * It runs inside the box, whose network shuts the host out. What follows on a call of a tool waits for the file MODEL_GATE to be there.
 */
const [port = '8399', log = '/tmp/model.log'] = process.argv.slice(2);

type Answer = (body: string, reply: Reply) => void;

/** Each wire reads its own shape. */
const reading =
  <Body>(answer: (body: Body, reply: Reply) => void): Answer =>
  (body, reply) =>
    answer(JSON.parse(body), reply);

const wires: ReadonlyArray<readonly [RegExp, Answer]> = [
  [/^\/v1\/messages$/, reading(anthropic)],
  [/^\/v1\/responses$/, reading(openaiResponses)],
  [/^\/v1\/chat\/completions$/, reading(openaiChat)],
  [/:streamGenerateContent$/, reading<Parameters<typeof gemini>[0]>((body, reply) => gemini(body, reply, true))],
  [/:generateContent$/, reading<Parameters<typeof gemini>[0]>((body, reply) => gemini(body, reply, false))],
  [/(:countTokens|\/count_tokens)$/, (_body, reply) => reply.json({ totalTokens: 10, input_tokens: 10 })],
];

const followsOnTool = /"tool_result"|"(custom_tool|function)_call_output"|"role": ?"tool"|"functionResponse"/;

const passGate = async (body: string): Promise<void> => {
  const gate = process.env['MODEL_GATE'];
  while (gate !== undefined && followsOnTool.test(body) && !existsSync(gate)) {
    await pause(50);
  }
};

createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://model').pathname;
  const answer = wires.find(([pattern]) => pattern.test(path))?.[1];
  text(request)
    .then(async (body) => {
      const key = request.headers.authorization ?? request.headers['x-api-key'] ?? request.headers['x-goog-api-key'];
      appendFileSync(log, `${request.method} ${path} ${key ?? 'no key'} ${body.length}\n`);
      if (process.env['MODEL_BODIES'] !== undefined) {
        appendFileSync(`${log}.bodies`, `${body}\n`);
      }
      if (request.method !== 'POST' || answer === undefined) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such path"}}');
        return;
      }
      await passGate(body);
      answer(body, replyTo(response));
    })
    .catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))));
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
