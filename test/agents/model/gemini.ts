import type { Reply } from './reply.ts';
import { callOf, lastWords, type OfferedTool, type Schema, sampleOf, words } from './script.ts';

interface Declaration {
  readonly name: string;
  readonly parameters?: OfferedTool['parameters'];
  readonly parametersJsonSchema?: OfferedTool['parameters'];
}

interface Body {
  readonly tools?: readonly { readonly functionDeclarations?: readonly Declaration[] }[];
  readonly contents?: unknown;
  readonly generationConfig?: { readonly responseJsonSchema?: Schema; readonly responseSchema?: Schema };
}

const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 20, totalTokenCount: 30 };

/** Google's Gemini API: `POST /v1beta/models/{model}:streamGenerateContent?alt=sse`, and `:generateContent` whole. */
export const gemini = (body: Body, reply: Reply, streams: boolean): void => {
  const answered = JSON.stringify(body.contents ?? []).includes('"functionResponse"');
  const declared = (body.tools ?? []).flatMap(({ functionDeclarations }) => functionDeclarations ?? []);
  const tools = declared.map(({ name, parameters, parametersJsonSchema }) => {
    const known = parametersJsonSchema ?? parameters;
    return { name, ...(known === undefined ? {} : { parameters: known }) };
  });
  const call = answered ? undefined : callOf(tools);
  const said = answered ? lastWords : words;
  const candidate = (parts: readonly object[], finishReason?: string) => ({
    candidates: [
      { index: 0, content: { role: 'model', parts }, ...(finishReason === undefined ? {} : { finishReason }) },
    ],
    usageMetadata,
  });
  const callPart = call === undefined ? [] : [{ functionCall: { name: call.name, args: call.arguments } }];
  const schema = body.generationConfig?.responseJsonSchema ?? body.generationConfig?.responseSchema;
  if (schema !== undefined) {
    const data = candidate([{ text: JSON.stringify(sampleOf(schema)) }], 'STOP');
    streams ? reply.event(data) : reply.json(data);
    reply.end();
    return;
  }
  if (!streams) {
    reply.json(candidate([{ text: said.join('') }, ...callPart], 'STOP'));
    return;
  }
  for (const text of said) {
    reply.event(candidate([{ text }]));
  }
  reply.event(candidate(callPart.length === 0 ? [{ text: '' }] : callPart, 'STOP'));
  reply.end();
};
