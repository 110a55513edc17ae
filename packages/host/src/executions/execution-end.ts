import { GuestErrorCode, ProtocolBreach, type Status } from '@berth/guest/protocol';
import type { ExecutionEnd } from '../contract/index.ts';
import { guestText } from '../link/guest-error.ts';

/**
 * How an execution ended, from what its guest reported and what the host had asked for. Nothing is made up: without an exit status the end is
 * `lost`, and a signal is the host's doing only if the host asked for it and the guest saw it.
 *
 * @param askedSignal the last signal that the host was asked to send
 * @throws ProtocolBreach for an exit status that no kernel reports
 */
export const endFromStatus = (status: Status, askedSignal: number | undefined): ExecutionEnd => {
  if (status.error !== undefined) {
    if (status.error.code === GuestErrorCode.CANCELLED && askedSignal !== undefined) {
      return { kind: 'killed', signal: askedSignal, by: 'host' };
    }
    return { kind: 'lost', reason: `could not be run: ${guestText(status.error.message) || 'unknown error'}` };
  }
  const how = status.exit?.how;
  switch (how?.case) {
    case 'code':
      if (how.value < 0 || how.value > 255) {
        throw new ProtocolBreach(`exit code ${how.value}`);
      }
      return { kind: 'exited', code: how.value };
    case 'signal': {
      if (how.value < 1 || how.value > 64) {
        throw new ProtocolBreach(`signal ${how.value}`);
      }
      const byHost = askedSignal === how.value && status.exit?.signalledByHost === how.value;
      const by = status.exit?.outOfMemory === true ? 'out_of_memory' : byHost ? 'host' : 'box';
      return { kind: 'killed', signal: how.value, by };
    }
    default:
      return { kind: 'lost', reason: 'the guest reported no exit status' };
  }
};
