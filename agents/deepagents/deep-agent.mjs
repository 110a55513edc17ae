/**
 * A LangChain deep agent on the task in BERTH_TASK, with a shell and the files of the directory it is started in. What it says is told in lines of
 * JSON on standard output as it comes; exits with 0 when the agent is done.
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const packages = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
const load = createRequire(join(packages, 'any'));
const { createDeepAgent, LocalShellBackend } = load('deepagents');
const { ChatOpenAI } = load('@langchain/openai');

const model = new ChatOpenAI({
  model: process.env.OPENAI_MODEL || 'gpt-5',
  apiKey: process.env.OPENAI_API_KEY,
  useResponsesApi: false,
  ...(process.env.OPENAI_BASE_URL ? { configuration: { baseURL: process.env.OPENAI_BASE_URL } } : {}),
});
const backend = await LocalShellBackend.create({ rootDir: process.cwd(), inheritEnv: true });
const agent = createDeepAgent({
  model,
  backend,
  systemPrompt: `You work in ${process.cwd()}, with a shell and files. Do the task without asking back, then say what you did.`,
});

const task = { messages: [{ role: 'user', content: process.env.BERTH_TASK ?? '' }] };
const modes = { streamMode: ['messages', 'values'], recursionLimit: 1_000 };
const say = (line) => console.log(JSON.stringify(line));
let told = 0;
for await (const [mode, data] of await agent.stream(task, modes)) {
  if (mode === 'messages') {
    const [piece] = data;
    if (piece.getType() === 'ai' && typeof piece.content === 'string' && piece.content !== '') {
      say({ type: 'delta', text: piece.content });
    }
    continue;
  }
  const { messages = [] } = data;
  for (const message of messages.slice(told)) {
    const { content, tool_calls: calls = [] } = message;
    say({ type: message.getType(), content, ...(calls.length === 0 ? {} : { calls }) });
  }
  told = messages.length;
}
await backend.close();
