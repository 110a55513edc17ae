import type { ExecutionView } from '@berth/contract';
import type { DevboxWish } from '../devboxes/lifecycle.ts';
import type { ApiClient } from '../http/client.ts';
import type { Agent } from './agent.ts';
import type { Package } from './pack.ts';

/** Where things are in a box of a run. */
export const boxPlaces = {
  agent: '/home/user/agent',
  repository: '/home/user/repo',
  home: '/home/user',
  result: '/home/user/result.json',
} as const;

/** What one run does in each of its boxes. */
export interface RunPlan {
  readonly client: ApiClient;
  readonly agent: Agent;
  readonly agentPackage: Package | undefined;
  readonly wish: DevboxWish;
  readonly resultPath: string;
  /** Bound of the agent's own time; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly keepBoxes: boolean;
  /** Aborted when the person wants it to end. */
  readonly interrupt: AbortSignal;
}

/** How the work in one box ended; the classes are kept apart. */
export type Outcome = 'exited' | 'killed' | 'lost' | 'timeout' | 'interrupted' | 'setup_failed' | 'box_failed';

/** One box of a run: what was asked, and what came of it. */
export interface AttemptReport {
  readonly index: number;
  readonly repository?: string;
  readonly devboxId?: string;
  readonly outcome: Outcome;
  /** The agent's own exit status; only with outcome `exited` and `killed`. */
  readonly exitStatus?: number;
  /** From the create call to a running box. */
  readonly startMs?: number;
  /** Of the agent's command. */
  readonly runMs?: number;
  readonly problem?: string;
  /** Text of the result file, when the agent left one. */
  readonly result?: string;
}

/** What an attempt tells while it goes on. */
export interface AttemptListener {
  readonly phase: (text: string) => void;
  readonly output: (stream: 'stdout' | 'stderr', text: string) => void;
}

/** Class of an execution's end. */
export const outcomeOf = (execution: ExecutionView): Pick<AttemptReport, 'outcome' | 'exitStatus' | 'problem'> => {
  const { end } = execution;
  if (end?.kind === 'lost') {
    return { outcome: 'lost', problem: end.reason };
  }
  const status = execution.exit_status === null ? {} : { exitStatus: execution.exit_status };
  if (end?.kind === 'killed') {
    const by = end.by === 'out_of_memory' ? 'out of memory' : `signal ${end.signal} from the ${end.by}`;
    return { outcome: 'killed', ...status, problem: by };
  }
  return { outcome: 'exited', ...status };
};
