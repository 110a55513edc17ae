import { type GuestError, GuestErrorCode } from '@berth/guest/protocol';
import { HostError, type HostErrorCode } from '../contract/index.ts';

/** What each error of a guest means to a caller of the host. */
const codes: ReadonlyMap<number, HostErrorCode> = new Map<number, HostErrorCode>([
  [GuestErrorCode.NOT_FOUND, 'fileNotFound'],
  [GuestErrorCode.IS_DIRECTORY, 'isDirectory'],
  [GuestErrorCode.NOT_DIRECTORY, 'notDirectory'],
  [GuestErrorCode.PERMISSION, 'permissionDenied'],
  [GuestErrorCode.EXISTS, 'invalidPath'],
  [GuestErrorCode.NO_SPACE, 'noSpace'],
  [GuestErrorCode.INVALID, 'invalidPath'],
  [GuestErrorCode.TOO_LARGE, 'tooLarge'],
  [GuestErrorCode.REFUSED, 'connectRefused'],
  [GuestErrorCode.BUSY, 'internal'],
  [GuestErrorCode.CANCELLED, 'cancelled'],
  [GuestErrorCode.IO, 'internal'],
  [GuestErrorCode.UNSUPPORTED, 'internal'],
  [GuestErrorCode.NO_SUCH_USER, 'permissionDenied'],
  [GuestErrorCode.NOT_EMPTY, 'invalidPath'],
]);

const maxMessageLength = 1_000;

/** Text from a guest, made fit to be shown: bounded, on one line, without control characters. */
export const guestText = (text: string): string => {
  const cut = text.length > maxMessageLength ? `${text.slice(0, maxMessageLength)}…` : text;
  return cut.replaceAll(/\p{Cc}+/gu, ' ').trim();
};

/** The error of a guest as an error of the host. */
export const toHostError = (error: GuestError): HostError =>
  new HostError(codes.get(error.code) ?? 'internal', guestText(error.message) || 'the guest reported an error', {
    retryable: error.code === GuestErrorCode.BUSY,
  });
