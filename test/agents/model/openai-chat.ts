import type { Reply } from './reply.ts';
import { callOf, lastWords, type OfferedTool, words } from './script.ts';

interface Body {
  readonly model?: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly function: OfferedTool }[];
  readonly messages?: readonly { readonly role: string }[];
}

/** OpenAI's Chat Completions API: `POST /v1/chat/completions`, streamed or whole. */
export const openaiChat = (body: Body, reply: Reply): void => {
  const answered = (body.messages ?? []).some(({ role }) => role === 'tool');
  const call = answered ? undefined : callOf((body.tools ?? []).map((tool) => tool.function));
  const head = { id: 'chatcmpl-1', created: Math.floor(Date.now() / 1000), model: body.model ?? 'scripted' };
  const said = answered ? lastWords : words;
  const calls = call && [
    { id: 'call_1', type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } },
  ];
  const finish_reason = call === undefined ? 'stop' : 'tool_calls';
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };
  if (body.stream !== true) {
    const message = { role: 'assistant', content: said.join(''), ...(calls && { tool_calls: calls }) };
    reply.json({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage });
    return;
  }
  const send = (delta: object, reason: string | null = null): void =>
    reply.event({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] });
  send({ role: 'assistant', content: '' });
  for (const text of said) {
    send({ content: text });
  }
  if (calls !== undefined) {
    const [{ id, type, function: made }] = calls as [(typeof calls)[0]];
    send({ tool_calls: [{ index: 0, id, type, function: { name: made.name, arguments: '' } }] });
    for (const part of [made.arguments.slice(0, 10), made.arguments.slice(10)]) {
      send({ tool_calls: [{ index: 0, function: { arguments: part } }] });
    }
  }
  send({}, finish_reason);
  reply.event({ ...head, object: 'chat.completion.chunk', choices: [], usage });
  reply.text('data: [DONE]\n\n');
  reply.end();
};
