import type { ExecutionView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { readerGoneStatus, whenReaderGoes } from '../output/reader-gone.ts';
import { remark } from '../output/style.ts';
import { type ExecutionWish, followOutput, killExecution, startExecution, untilCompleted } from './execution.ts';
import { forwardStdin } from './stdin.ts';

const interruptedStatus = 130;

/**
 * Runs a command with its output on this terminal. Ctrl-C kills it in the box; a second one leaves it and this program. When nobody reads its output
 * any more it is killed too, and this program ends.
 * @param options `quiet`: its output is not shown
 * @returns the view of the completed execution, with whether it was interrupted
 */
export const runLive = async (
  client: ApiClient,
  devbox: string,
  wish: ExecutionWish,
  options: { readonly quiet?: boolean } = {},
): Promise<{ readonly execution: ExecutionView; readonly interrupted: boolean }> => {
  const { execution_id: id } = await startExecution(client, devbox, wish);
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts += 1;
    if (interrupts > 1) {
      remark(`left ${id} behind`);
      process.exit(interruptedStatus);
    }
    killExecution(client, devbox, id).catch((error: unknown) => remark(`could not kill it: ${error}`));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const stopWatching = whenReaderGoes(endsUnread(client, devbox, id));
  try {
    if (wish.attach_stdin) {
      // The command may end before its input does; then nobody needs the rest.
      forwardStdin(client, devbox, id, process.stdin).catch(() => undefined);
    }
    if (!options.quiet) {
      await Promise.all([
        followOutput(client, devbox, id, 'stdout', (text) => writeAll(process.stdout, text)),
        followOutput(client, devbox, id, 'stderr', (text) => writeAll(process.stderr, text)),
      ]);
    }
    return { execution: await untilCompleted(client, devbox, id), interrupted: interrupts > 0 };
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    stopWatching();
    if (wish.attach_stdin) {
      process.stdin.destroy();
    }
  }
};

/** Kills the execution, once, and then ends this program. */
const endsUnread = (client: ApiClient, devbox: string, id: string): (() => void) => {
  let begun = false;
  return () => {
    if (!begun) {
      begun = true;
      killExecution(client, devbox, id)
        .catch(() => undefined)
        .finally(() => process.exit(readerGoneStatus));
    }
  };
};

/** Resolves when the stream has room again, so that a slow reader slows the download. */
const writeAll = (stream: NodeJS.WriteStream, text: string): Promise<void> | void => {
  if (!stream.write(text)) {
    return new Promise((resolve) => stream.once('drain', resolve));
  }
};
