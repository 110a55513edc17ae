import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A program that speaks the helper's lines: `body` is run for each request `{id, command, args}`, and has `answer` and `life` (1, 2, …). */
export async function scriptedHelper(body: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-helper-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'helper');
  const source = `#!${process.execPath}
const fs = require('node:fs');
fs.appendFileSync('${directory}/lives', 'x');
const life = fs.readFileSync('${directory}/lives').length;
const say = (message) => fs.writeSync(1, JSON.stringify(message) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, command, args } = JSON.parse(line);
  const answer = (ok) => say({ id, ok });
  const refuse = (error) => say({ id, error });
  ${body}
});
`;
  await writeFile(path, source);
  await chmod(path, 0o755);
  return path;
}
