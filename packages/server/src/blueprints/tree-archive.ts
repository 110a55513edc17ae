/** One file of an archive. */
export interface ArchiveFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly content: () => AsyncIterable<Uint8Array>;
}

const blockBytes = 512;
/** Longest name that a header has room for; longer ones go into a header of their own. */
const nameBytes = 100;

const header = (name: Buffer, sizeBytes: number, type: string): Buffer => {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  name.copy(block, 0, 0, nameBytes);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  // Of no time: the same files are the same archive, whenever it is made.
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.write(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    ),
    148,
  );
  return block;
};

const padding = (sizeBytes: number): Buffer => Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);

/** `length name=value\n`, whose length counts itself (pax). */
const record = (name: string, value: string): Buffer => {
  const rest = Buffer.byteLength(` ${name}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.from(`${length} ${name}=${value}\n`);
};

/**
 * A tar of these files, streamed; directories are made by whoever unpacks it.
 * @throws Error when a file has another size than was said
 */
export async function* treeArchive(files: readonly ArchiveFile[]): AsyncGenerator<Uint8Array> {
  for (const { name, sizeBytes, content } of files) {
    const bytes = Buffer.from(name);
    if (bytes.length > nameBytes) {
      const long = record('path', name);
      yield Buffer.concat([header(Buffer.from('path'), long.length, 'x'), long, padding(long.length)]);
    }
    yield header(bytes, sizeBytes, '0');
    let sent = 0;
    for await (const piece of content()) {
      sent += piece.byteLength;
      if (sent > sizeBytes) {
        break;
      }
      yield piece;
    }
    if (sent !== sizeBytes) {
      throw new Error(`${name} has not the ${sizeBytes} bytes that it had`);
    }
    yield padding(sizeBytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}
