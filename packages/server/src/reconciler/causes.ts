import type { FailureReason } from '@berth/contract';
import type { BoxState, ExecutionView, StopCause } from '@berth/host/contract';
import type { Transition } from '../devboxes/transition.ts';

type Failure = Extract<Transition, { to: 'failure' }>;

/** The API knows four reasons (§3.2); the detail says the rest. */
const reasons: Readonly<Record<StopCause, FailureReason>> = {
  out_of_memory: 'out_of_memory',
  out_of_disk: 'out_of_disk',
  runtime_failed: 'execution_failed',
  guest_exited: 'health_check_failed',
  protocol_breach: 'health_check_failed',
  host_lost: 'health_check_failed',
  destroyed: 'health_check_failed',
};

/** What a person can do about a memory image that cannot be used. */
export const coldHint = 'resume it with {"memory": false} to start it from its disk';

/** Why a box failed that the host reports as stopped, or does not know any more. */
export const stopped = (state: BoxState | undefined): Failure => {
  if (state === undefined) {
    return { to: 'failure', reason: reasons.host_lost, detail: 'host lost: the host no longer knows the box' };
  }
  const cause = state.cause ?? 'host_lost';
  return {
    to: 'failure',
    reason: reasons[cause],
    detail: state.detail === undefined ? cause : `${cause}: ${state.detail}`,
  };
};

/** What happened, in words: `exited with 2`, `was killed by signal 9 (out_of_memory)`, `was lost: …`. */
export const endText = (view: Pick<ExecutionView, 'end'>): string => {
  const { end } = view;
  switch (end?.kind) {
    case 'exited':
      return `exited with ${end.code}`;
    case 'killed':
      return `was killed by signal ${end.signal} (${end.by})`;
    case 'lost':
      return `was lost: ${end.reason}`;
    default:
      return 'has not ended';
  }
};

const quotedOutput = 1_000;

/** A launch command that did not succeed. */
export const launchFailure = (number: number, view: ExecutionView): Failure => {
  const output = (view.stderr.text || view.stdout.text).trimEnd().slice(-quotedOutput);
  const reason =
    view.end?.kind === 'killed' && view.end.by === 'out_of_memory' ? ('out_of_memory' as const) : 'execution_failed';
  return {
    to: 'failure',
    reason,
    detail: `launch command ${number} ${endText(view)}${output === '' ? '' : `: ${output}`}`,
  };
};

/** The same failure in the course of a resume: the box is suspended again, with its disk (API §3.3). */
export const backToSleep = ({ reason, detail }: Failure): Transition => ({
  to: 'suspending',
  memory: false,
  hooksMs: null,
  mishap: { reason, detail },
});

/** The end of the main process ends the box (API §3.5); when nobody knows how it ended, the box has failed. */
export const entrypointEnd = (view: ExecutionView): Transition =>
  view.end?.kind === 'lost'
    ? { to: 'failure', reason: 'execution_failed', detail: `entrypoint ${endText(view)}` }
    : { to: 'shutdown', reason: 'entrypoint_exit', detail: `entrypoint ${endText(view)}` };
