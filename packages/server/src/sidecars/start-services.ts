import { setTimeout as delay } from 'node:timers/promises';
import { type BoxSpec, type BoxState, type ExecutionView, type Host, HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { endText } from '../reconciler/causes.ts';
import { maySucceedLater, problemOf } from '../reconciler/retries.ts';
import type { PlannedService } from './plan.ts';
import { serviceExecution, sidecarSpec } from './sidecar-spec.ts';

/** How long a service may take until it is ready, from the start of its process. */
const readyWithinMs = 120_000;
const lookEveryMs = 100;
const healthEveryMs = 1_000;
const healthWithinMs = 10_000;
const quotedLines = 10;

type SidecarHost = Pick<
  Host,
  'inspect' | 'create' | 'resume' | 'destroy' | 'forget' | 'execute' | 'executeAndWait' | 'execution' | 'connect'
>;

/** The sidecar as it runs: with its disk where it slept with its box, else a fresh one. */
const present = async (host: SidecarHost, spec: BoxSpec): Promise<BoxState> => {
  const before = await host.inspect(spec.id);
  if (before?.phase === 'suspended') {
    return host.resume(spec, { memory: false });
  }
  if (before?.phase === 'stopped' || before?.phase === 'destroyed') {
    await host.destroy(spec.id);
    await host.forget(spec.id);
  }
  return host.create(spec);
};

const listens = async (host: SidecarHost, boxId: string, port: number): Promise<boolean> => {
  try {
    (await host.connect(boxId, port)).destroy();
    return true;
  } catch (error) {
    if (error instanceof HostError && error.code === 'connectRefused') {
      return false;
    }
    throw error;
  }
};

const ended = (view: ExecutionView): string => {
  const output = (view.stderr.text || view.stdout.text).trimEnd().slice(-1_000);
  return `${endText(view)} before it was ready${output === '' ? '' : `: ${output}`}`;
};

/** Waits until the service answers; what keeps it from that otherwise. */
const awaitReady = async (
  host: SidecarHost,
  box: Devbox,
  service: PlannedService,
  sidecar: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const { executionId } = serviceExecution(box, service);
  const waiting = new Set(service.ports);
  for (let round = 0; ; round++) {
    signal.throwIfAborted();
    const view = await host.execution(sidecar, executionId, quotedLines);
    if (view.status === 'completed') {
      return ended(view);
    }
    for (const port of waiting) {
      if (await listens(host, box.id, port)) {
        waiting.delete(port);
      }
    }
    let reason = `it does not listen on ${[...waiting].join(', ')}`;
    if (waiting.size === 0) {
      if (service.healthCommand === undefined) {
        return undefined;
      }
      const check = {
        executionId: `health-${box.restarts}-${round}`,
        origin: 'exec',
        command: service.healthCommand,
      } as const;
      const health = await host.executeAndWait(sidecar, check, { timeoutMs: healthWithinMs, lastLines: 1 }, signal);
      if (health.end?.kind === 'exited' && health.end.code === 0) {
        return undefined;
      }
      reason = `its health command ${endText(health)}`;
    }
    if (Date.now() - view.startedMs > readyWithinMs) {
      return `was not ready within ${readyWithinMs / 1000} s: ${reason}`;
    }
    await delay(waiting.size === 0 ? healthEveryMs : lookEveryMs, undefined, { signal });
  }
};

const startOne = async (
  host: SidecarHost,
  box: Devbox,
  service: PlannedService,
  index: number,
  signal: AbortSignal,
): Promise<string | undefined> => {
  if (service.command.length === 0) {
    return 'its image names nothing to run (ENTRYPOINT, CMD)';
  }
  if (/^[1-9]\d*$/.test(service.user)) {
    return `runs as user ${service.user}, and users need a name here: give options '--user name'`;
  }
  const spec = sidecarSpec(box, service, index);
  const state = await present(host, spec);
  if (state.phase === 'starting') {
    throw new HostError('internal', 'the host answered before the service did', { retryable: true });
  }
  if (state.phase !== 'running') {
    return `did not start: ${state.cause ?? state.phase}${state.detail === undefined ? '' : `: ${state.detail}`}`;
  }
  await host.execute(spec.id, serviceExecution(box, service));
  return awaitReady(host, box, service, spec.id, signal);
};

const hints: Readonly<Record<string, string>> = {
  networkUnshareable: 'services need boxes of the grade container: set launch_parameters.isolation',
  imageUnavailable: 'the blueprint that brought its image was deleted',
};

/**
 * Starts the services that a box asked for, or finds them started by an earlier run of the server, and waits until they are ready. Answers with what went wrong, by name. Throws what
 * may pass (host away).
 */
export const startServices = async (
  host: SidecarHost,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<string | undefined> => {
  const problems = await Promise.all(
    (box.wish.services ?? []).map(async (service, index) => {
      try {
        const problem = await startOne(host, box, service, index, signal);
        return problem && `service '${service.name}' ${problem}`;
      } catch (error) {
        // One whose box has died is looked at together with it.
        const isBoxGone =
          error instanceof HostError && (error.code === 'boxNotRunning' || error.code === 'boxNotFound');
        if (signal.aborted || isBoxGone || maySucceedLater(error, attempt)) {
          throw error;
        }
        const hint = error instanceof HostError ? hints[error.code] : undefined;
        return `service '${service.name}' cannot be started: ${problemOf(error)}${hint === undefined ? '' : ` (${hint})`}`;
      }
    }),
  );
  return problems.find((problem) => problem !== undefined);
};
