import { expect, it } from 'vitest';
import { maxKeptBytes, UploadWindow, uploadWindowBytes } from '../../src/files/upload-window.ts';

it('keeps what was not acknowledged, whatever comes behind it', () => {
  const window = new UploadWindow();
  const kept: Array<{ readonly bytes: Buffer; readonly fill: number }> = [];
  let heldBytes = 0;
  for (let round = 0; round < 500; round += 1) {
    const bytes = Buffer.alloc(1 + ((round * 7_919) % maxKeptBytes), round % 251);
    while (heldBytes + bytes.length > uploadWindowBytes) {
      heldBytes -= kept.shift()?.bytes.length ?? 0;
    }
    const pieces = window.keep(bytes);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    bytes.fill(255);
    kept.push(...pieces.map((piece) => ({ bytes: piece, fill: round % 251 })));
    heldBytes += bytes.length;
    expect(kept.every((piece) => piece.bytes.equals(Buffer.alloc(piece.bytes.length, piece.fill)))).toBe(true);
  }
});
