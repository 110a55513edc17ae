import type { Reply } from './reply.ts';
import { callOf, lastWords, type OfferedTool, words } from './script.ts';

interface Body {
  readonly model?: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly name: string; readonly input_schema?: OfferedTool['parameters'] }[];
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
}

/** Anthropic's Messages API: `POST /v1/messages`, streamed. */
export const anthropic = (body: Body, reply: Reply): void => {
  const answered = JSON.stringify(body.messages ?? []).includes('"tool_result"');
  const tools = (body.tools ?? []).map(({ name, input_schema }) => ({
    name,
    ...(input_schema === undefined ? {} : { parameters: input_schema }),
  }));
  const call = answered ? undefined : callOf(tools);
  const send = (type: string, more: object): void => reply.event({ type, ...more }, type);
  send('message_start', {
    message: {
      id: `msg_${Date.now()}`,
      type: 'message',
      role: 'assistant',
      model: body.model ?? 'scripted',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 },
    },
  });
  send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  for (const text of answered ? lastWords : words) {
    send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  }
  send('content_block_stop', { index: 0 });
  if (call !== undefined) {
    send('content_block_start', {
      index: 1,
      content_block: { type: 'tool_use', id: 'toolu_01', name: call.name, input: {} },
    });
    const json = JSON.stringify(call.arguments);
    for (const partial_json of [json.slice(0, 10), json.slice(10)]) {
      send('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json } });
    }
    send('content_block_stop', { index: 1 });
  }
  send('message_delta', {
    delta: { stop_reason: call === undefined ? 'end_turn' : 'tool_use', stop_sequence: null },
    usage: { output_tokens: 20 },
  });
  send('message_stop', {});
  reply.end();
};
