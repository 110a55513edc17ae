import type { ExecutionView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import { startExecution, untilCompleted } from './execution.ts';

/** Runs a command of our own in a box and gives its view, whatever its exit status. */
export const runQuietly = async (client: ApiClient, devbox: string, command: string): Promise<ExecutionView> => {
  const { execution_id } = await startExecution(client, devbox, { command });
  return untilCompleted(client, devbox, execution_id);
};

/**
 * As {@link runQuietly}, for commands that must succeed.
 * @throws CommandFailure with what the command said on standard error
 */
export const mustRun = async (
  client: ApiClient,
  devbox: string,
  command: string,
  what: string,
): Promise<ExecutionView> => {
  const execution = await runQuietly(client, devbox, command);
  if (execution.exit_status !== 0) {
    const said = execution.stderr.trim() || execution.stdout.trim() || `exit status ${execution.exit_status}`;
    throw new CommandFailure(`${what}: ${said}`);
  }
  return execution;
};
