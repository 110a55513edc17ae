import { encodeOpen, type OpenInit, type Status, StatusPhase } from '@berth/guest/protocol';
import { HostError } from '../contract/index.ts';
import { toHostError } from './guest-error.ts';
import type { GuestLink } from './guest-link.ts';

type Request = NonNullable<OpenInit['request']>;

/**
 * Asks the guest one question and closes the stream; it is asked again after a drop until there is an answer.
 * @throws HostError the guest's error, `cancelled`, or why the box can not answer
 */
export const ask = (
  link: GuestLink,
  request: Request,
  options: { readonly signal?: AbortSignal | undefined; readonly urgent?: boolean } = {},
): Promise<Status> =>
  new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted === true) {
      reject(new HostError('cancelled', 'the call was cancelled'));
      return;
    }
    const abort = (): void => {
      link.close(stream);
      reject(new HostError('cancelled', 'the call was cancelled'));
    };
    const done = (): void => {
      signal?.removeEventListener('abort', abort);
      link.close(stream);
    };
    const payload = encodeOpen({ request });
    const stream = link.open(
      () => payload,
      { windows: [0, 0], sends: false, awaited: true, urgent: options.urgent === true },
      {
        status: (status) => {
          if (status.phase === StatusPhase.FINISHED) {
            done();
            if (status.error === undefined) {
              resolve(status);
            } else {
              reject(toHostError(status.error));
            }
          }
        },
        lost: (error) => {
          done();
          reject(error);
        },
      },
    );
    signal?.addEventListener('abort', abort, { once: true });
  });
