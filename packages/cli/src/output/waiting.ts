import { CommandFailure } from './failure.ts';
import { formatDuration } from './quantities.ts';

const silentMs = 1_000;
const drawMs = 200;
const interruptedStatus = 130;

/**
 * Waits for work that may take longer than a moment: after a second a terminal shows what it waits for, and for how long.
 * The first Ctrl-C aborts the signal handed to the work, a second one ends this program at once.
 * @param hint what becomes of the work when nobody waits for it any more
 * @throws CommandFailure with exit status 130 after Ctrl-C, unless the work ended all the same
 */
export const whileWaiting = async <Result>(
  what: string,
  work: (signal: AbortSignal) => Promise<Result>,
  hint?: string,
): Promise<Result> => {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) {
      process.exit(interruptedStatus);
    }
    interrupt.abort(new CommandFailure('interrupted', { hint, exitStatus: interruptedStatus }));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const clock = startClock(what);
  try {
    return await work(interrupt.signal);
  } finally {
    clock.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
};

/** One line of a terminal with the time that has passed, rewritten in place; nothing elsewhere. */
const startClock = (what: string): { readonly end: () => void } => {
  const begin = performance.now();
  let drawn = false;
  const draw = (): void => {
    const passedMs = performance.now() - begin;
    if (passedMs >= silentMs) {
      drawn = true;
      process.stderr.write(`\r\u001b[K${what} … ${formatDuration(passedMs)}`);
    }
  };
  const timer = process.stderr.isTTY ? setInterval(draw, drawMs) : undefined;
  return {
    end: () => {
      clearInterval(timer);
      if (drawn) {
        process.stderr.write('\r\u001b[K');
      }
    },
  };
};
