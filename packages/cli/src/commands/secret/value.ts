import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { CommandFailure } from '../../output/failure.ts';

/** A secret's value from a file, a pipe, or the keyboard without showing it. One newline at the end is not part of it. */
export const readSecretValue = async (file: string | undefined): Promise<string> => {
  const value = file === undefined ? await readInput() : readFileSync(file, 'utf8');
  return value.replace(/\r?\n$/, '');
};

const readInput = (): Promise<string> => (process.stdin.isTTY ? askHidden('Value: ') : text(process.stdin));

const endOfText = '\u0003';
const endOfTransmission = '\u0004';
const backspaces = new Set(['\u007f', '\b']);

const askHidden = (question: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { stdin } = process;
    let value = '';
    process.stderr.write(question);
    stdin.setRawMode(true).setEncoding('utf8').resume();
    const finish = (): void => {
      stdin.setRawMode(false).pause();
      stdin.off('data', take);
      process.stderr.write('\n');
    };
    const take = (typed: string): void => {
      for (const character of typed) {
        if (character === '\r' || character === '\n' || character === endOfTransmission) {
          finish();
          resolve(value);
          return;
        }
        if (character === endOfText) {
          finish();
          reject(new CommandFailure('cancelled', { exitStatus: 130 }));
          return;
        }
        value = backspaces.has(character) ? value.slice(0, -1) : value + character;
      }
    };
    stdin.on('data', take);
  });
