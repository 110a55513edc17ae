import { spawn } from 'node:child_process';
import { CommandFailure } from '../output/failure.ts';

const keptComplaint = 2_000;

/** Runs a program with a text as its input. @throws CommandFailure with what it complained of */
export const feedProgram = (command: readonly string[], input: string): Promise<void> =>
  new Promise((done, reject) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-keptComplaint);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? done() : reject(new CommandFailure(`${program}: ${complaint.trim()}`)),
    );
    child.stdin.on('error', () => undefined).end(input);
  });
