/** Bytes that a sequence with this first byte has; 0 when no sequence starts so. */
const sequenceBytes = (first: number): number => {
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first < 0xe0) {
    return 2;
  }
  if (first >= 0xe0 && first < 0xf0) {
    return 3;
  }
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
};

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** Bytes at the end that begin a UTF-8 sequence whose rest is missing: 0 to 3. Bytes that are no UTF-8 count as complete. */
export const incompleteTail = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (!isContinuation(byte)) {
      return sequenceBytes(byte) > back ? back : 0;
    }
  }
  return 0;
};

/** Bytes at the start that continue a sequence begun before: 0 to 3. */
export const continuationHead = (bytes: Uint8Array): number => {
  let count = 0;
  while (count < 3 && count < bytes.length && isContinuation(bytes[count] ?? 0)) {
    count += 1;
  }
  return count;
};

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Text of bytes; what is not UTF-8 becomes U+FFFD, nothing is left out. */
export const utf8Text = (bytes: Uint8Array): string => decoder.decode(bytes);
