/** Framing and messages of the guest link (PROTOCOL.md). */
export * from './frame.ts';
export * from './frame-decoder.ts';
export * from './frame-encoder.ts';
export * from './messages.ts';
