import type { Reply } from './reply.ts';
import { callOf, lastWords, line, type OfferedTool, words } from './script.ts';

interface Tool extends OfferedTool {
  readonly type?: string;
  /** Of a namespace. */
  readonly tools?: readonly Tool[];
}

interface Body {
  readonly model?: string;
  readonly tools?: readonly Tool[];
  readonly input?: readonly { readonly type?: string; readonly tools?: readonly Tool[] }[];
}

interface NamedTool extends Tool {
  readonly namespace?: string;
}

/** All tools on offer: they stand in the request or among its inputs, in namespaces or by themselves. */
const toolsOf = (body: Body): NamedTool[] =>
  [...(body.tools ?? []), ...(body.input ?? []).flatMap(({ tools }) => tools ?? [])].flatMap((tool) =>
    (tool.tools ?? [tool]).map((inner) => (inner === tool ? inner : { ...inner, namespace: tool.name })),
  );

/** The call as an item of the output: newer models run a line of JavaScript that calls the tools. */
const callItem = (tools: readonly NamedTool[]): Record<string, unknown> | undefined => {
  const program = tools.find(({ type, name }) => type === 'custom' && name === 'exec');
  if (program !== undefined) {
    const input = `text(await tools.exec_command({ cmd: ${JSON.stringify(line())} }));`;
    return { id: 'ctc_1', type: 'custom_tool_call', call_id: 'call_1', name: 'exec', input };
  }
  const call = callOf(tools);
  return (
    call && {
      id: 'fc_1',
      type: 'function_call',
      call_id: 'call_1',
      name: call.name,
      arguments: JSON.stringify(call.arguments),
    }
  );
};

/** OpenAI's Responses API: `POST /v1/responses`, streamed. */
export const openaiResponses = (body: Body, reply: Reply): void => {
  const answered = (body.input ?? []).some(({ type }) => type?.endsWith('_call_output') === true);
  const call = answered ? undefined : callItem(toolsOf(body));
  const response = { id: `resp_${Date.now()}`, object: 'response', model: body.model ?? 'scripted', created_at: 1 };
  let sequence = 0;
  const send = (type: string, more: object): void => reply.event({ type, sequence_number: sequence++, ...more }, type);
  const text = (answered ? lastWords : words).join('');
  const message = { id: 'msg_1', type: 'message', role: 'assistant' };
  const done = { ...message, status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] };
  send('response.created', { response: { ...response, status: 'in_progress', output: [] } });
  send('response.output_item.added', { output_index: 0, item: { ...message, status: 'in_progress', content: [] } });
  const part = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  send('response.content_part.added', { ...part, part: { type: 'output_text', text: '', annotations: [] } });
  for (const delta of answered ? lastWords : words) {
    send('response.output_text.delta', { ...part, delta });
  }
  send('response.output_text.done', { ...part, text });
  send('response.output_item.done', { output_index: 0, item: done });
  const output: object[] = [done];
  if (call !== undefined) {
    const item = { ...call, status: 'completed' };
    const [kind, field] =
      'input' in call ? ['custom_tool_call_input', 'input'] : ['function_call_arguments', 'arguments'];
    send('response.output_item.added', { output_index: 1, item: { ...call, status: 'in_progress', [field]: '' } });
    send(`response.${kind}.delta`, { item_id: call['id'], output_index: 1, delta: call[field] });
    send(`response.${kind}.done`, { item_id: call['id'], output_index: 1, [field]: call[field] });
    send('response.output_item.done', { output_index: 1, item });
    output.push(item);
  }
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 30,
  };
  send('response.completed', { response: { ...response, status: 'completed', output, usage } });
  reply.end();
};
