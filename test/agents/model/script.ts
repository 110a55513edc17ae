/** What the scripted model does, whichever wire it speaks: say something, call one tool that writes a file, then say that it is done. */

/** A tool that the agent offers, by what its wire says of it. */
export interface OfferedTool {
  readonly name: string;
  readonly parameters?: { readonly properties?: Readonly<Record<string, unknown>> };
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export const words = ['I will ', 'write the ', 'file.'];
export const lastWords = ['The file ', 'is ', 'written.'];
export const content = 'written by the agent';

/** Where agents are to leave the proof of their work. */
const target = (): string => process.env['MODEL_TARGET'] ?? '/home/user/work/answer.txt';

/** Tools that run a line of shell, and those that write a file, by the names that agents give them. */
const shells = ['Bash', 'bash', 'exec_command', 'shell_command', 'shell', 'run_shell_command'];
const writers = ['write_file', 'Write', 'write'];

/** The line of shell that does it. */
export const line = (): string => `printf '%s' '${content}' > ${target()}`;

/** The smallest value that a JSON schema admits, for answers that are to be data. */
export const sampleOf = (schema: Schema): unknown => {
  if (schema.enum !== undefined) {
    return schema.enum[0];
  }
  switch (String(Array.isArray(schema.type) ? schema.type[0] : schema.type).toLowerCase()) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, sampleOf(inner)]),
      );
    case 'array':
      return [];
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return false;
    default:
      return 'x';
  }
};

export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const shellCall = (tool: OfferedTool): ToolCall => {
  const known = tool.parameters?.properties ?? {};
  if ('cmd' in known) {
    return { name: tool.name, arguments: { cmd: line() } };
  }
  const command = tool.name === 'shell' ? ['bash', '-c', line()] : line();
  return {
    name: tool.name,
    arguments: { command, ...('description' in known ? { description: 'Write the file' } : {}) },
  };
};

const writeCall = (tool: OfferedTool): ToolCall => {
  const known = tool.parameters?.properties ?? {};
  const path = ['file_path', 'filePath', 'path'].find((name) => name in known) ?? 'file_path';
  return { name: tool.name, arguments: { [path]: target(), content } };
};

/** The call that writes the file with the tools on offer; undefined when none of them can. */
export const callOf = (tools: readonly OfferedTool[]): ToolCall | undefined => {
  const named = (names: readonly string[]) => names.flatMap((name) => tools.filter((tool) => tool.name === name))[0];
  const [writer, shell] = [named(writers), named(shells)];
  const preferred = process.env['MODEL_TOOL'] === 'shell' ? undefined : writer;
  return preferred !== undefined
    ? writeCall(preferred)
    : shell !== undefined
      ? shellCall(shell)
      : writer && writeCall(writer);
};
