import { spawn } from 'node:child_process';

/** Runs a program to its end and gives its standard output. Rejects, with the end of what it said, when it fails. */
export const runProgram = (
  command: readonly string[],
  options: { readonly environment?: Readonly<Record<string, string>>; readonly directory?: string } = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: options.directory ?? '/',
      env: { ...(options.environment ?? process.env) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4_000);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve(output);
      } else {
        const shown = command.filter((word) => word.includes('/')).at(-1) ?? program;
        reject(new Error(`${shown} ended with ${signal ?? `status ${code}`}: ${(complaint || output).trim()}`));
      }
    });
  });
