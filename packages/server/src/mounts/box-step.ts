import { type ExecutionView, HostError } from '@berth/host/contract';
import { endText } from '../reconciler/causes.ts';
import { MountFailure } from './mount-kind.ts';
import type { MountPlace } from './mount-place.ts';

/** One round of waiting; the wait goes on for as long as the command takes. */
const waitRoundMs = 600_000;
const quotedLines = 20;
const quotedCharacters = 1_000;

/** A line of bash that a mount runs in the box. */
export interface BoxStep {
  /** Number of the step within its mount; each has one of its own. */
  readonly number: number;
  /** What it is, for the message when it fails. */
  readonly what: string;
  readonly command: string;
  /** The box's user when left out. */
  readonly user?: 'root';
}

/** Text as one word of bash. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A path as a word of bash that means what it means to the guest: relative ones, and `~`, count from the home. */
export const quotedPath = (path: string): string =>
  path === '~' || path.startsWith('~/')
    ? `"$HOME"/${quoted(path.slice(2))}`
    : path.startsWith('/')
      ? quoted(path)
      : `"$HOME"/${quoted(path)}`;

/** The end of what a command has printed. */
export const lastWords = (view: ExecutionView): string =>
  (view.stderr.text.trim() === '' ? view.stdout.text : view.stderr.text).trimEnd().slice(-quotedCharacters);

/** Whether a step was begun already, by an earlier run of the server. */
export const hasBegun = async ({ host, box, executionId }: MountPlace, number: number): Promise<boolean> => {
  try {
    await host.execution(box.id, executionId(number), 0);
    return true;
  } catch (error) {
    if (error instanceof HostError && error.code === 'executionNotFound') {
      return false;
    }
    throw error;
  }
};

/**
 * Runs the command to its end, or finds it begun by an earlier run of the server. Its output is in the log of the box.
 * @throws MountFailure when it ends otherwise than with 0; HostError
 */
export const runStep = async (
  { host, box, executionId }: MountPlace,
  step: BoxStep,
  signal: AbortSignal,
): Promise<ExecutionView> => {
  const id = executionId(step.number);
  const wait = { timeoutMs: waitRoundMs, lastLines: quotedLines };
  const spec = {
    executionId: id,
    origin: 'setup_commands',
    command: step.command,
    ...(step.user === undefined ? {} : { user: step.user }),
  } as const;
  let view = await host.executeAndWait(box.id, spec, wait, signal);
  while (view.status !== 'completed') {
    signal.throwIfAborted();
    view = await host.waitExecution(box.id, id, { ...wait, until: ['completed'] }, signal);
  }
  if (view.end?.kind === 'lost' && (await host.inspect(box.id))?.phase !== 'running') {
    throw new HostError('boxNotRunning', 'the box ended while it was being set up');
  }
  if (view.end?.kind !== 'exited' || view.end.code !== 0) {
    const words = lastWords(view);
    const isTooLarge = view.end?.kind === 'killed' && view.end.by === 'out_of_memory';
    throw new MountFailure(`${step.what} ${endText(view)}${words === '' ? '' : `: ${words}`}`, {
      ...(isTooLarge ? { reason: 'out_of_memory' } : {}),
      recurs: isTooLarge || view.end?.kind === 'exited',
    });
  }
  return view;
};
