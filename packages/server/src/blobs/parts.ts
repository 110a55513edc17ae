/** Gathers pieces into buffers of one size; the last one is shorter, unless it is whole. Each is the caller's own. */
export async function* parts(pieces: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array, void> {
  let part = Buffer.allocUnsafe(0);
  let filled = 0;
  for await (const piece of pieces) {
    for (let taken = 0; taken < piece.byteLength; ) {
      if (part.byteLength === 0) {
        part = Buffer.allocUnsafe(partBytes);
      }
      const next = piece.subarray(taken, taken + partBytes - filled);
      part.set(next, filled);
      filled += next.byteLength;
      taken += next.byteLength;
      if (filled === partBytes) {
        yield part;
        part = Buffer.allocUnsafe(0);
        filled = 0;
      }
    }
  }
  if (filled > 0) {
    yield part.subarray(0, filled);
  }
}
