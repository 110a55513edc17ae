/** Writes archives that no honest program would. */

export type Entry =
  | { readonly name: string; readonly content: string }
  | { readonly name: string; readonly link: string; readonly hard?: boolean }
  | { readonly name: string; readonly device: readonly [number, number] };

const BLOCK = 512;

/** A tar (ustar) of these entries, names as they are. */
export function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(2 * BLOCK)]);
}

function blocks(entry: Entry): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  const content = Buffer.from('content' in entry ? entry.content : '');
  const put = (text: string, at: number) => header.write(text, at, 'latin1');
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  const kind = 'content' in entry ? '0' : 'device' in entry ? '3' : entry.hard ? '1' : '2';
  put(entry.name, 0);
  put(octal(0o755, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(content.length, 11), 124);
  put(octal(0, 11), 136);
  put('        ', 148);
  put(kind, 156);
  if ('link' in entry) {
    put(entry.link, 157);
  }
  put('ustar\0', 257);
  put('00', 263);
  if ('device' in entry) {
    put(octal(entry.device[0], 7), 329);
    put(octal(entry.device[1], 7), 337);
  }
  put(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  );
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}
