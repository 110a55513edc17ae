import { type RawBuilder, sql } from 'kysely';
import { startBoundMs } from './start-bound.ts';
import { activeStatuses, storableDetail, type Transition } from './transition.ts';

/** Entries of a history that are kept: the first, and the newest. A box that sleeps and wakes for months has a row that stays small. */
const historyLength = 400;

/** The entries of the history, without their time. */
const records = (transition: Transition): string[] =>
  transition.to === 'running' && transition.isInitialized === true
    ? [JSON.stringify({ status: 'initializing' }), record(transition)]
    : [record(transition)];

const record = (transition: Transition): string => {
  const mishap = 'mishap' in transition ? transition.mishap : undefined;
  const reason = transition.to === 'failure' ? transition.reason : mishap?.reason;
  const detail = ('detail' in transition ? transition.detail : undefined) ?? mishap?.detail;
  return JSON.stringify({
    status: transition.to,
    ...(reason === undefined ? {} : { failure_reason: reason }),
    ...(detail === undefined ? {} : { detail: storableDetail(detail) }),
  });
};

const ownAssignments = (transition: Transition): RawBuilder<unknown>[] => {
  switch (transition.to) {
    case 'queued':
    case 'provisioning':
      if (transition.resume === undefined) {
        return [];
      }
      return [
        sql`resume = ${transition.resume}`,
        sql`restarts = restarts + ${transition.resume === 'disk' ? 1 : 0}`,
        sql`expires_ms = moment.ms + ${startBoundMs}::bigint`,
      ];
    case 'initializing':
      return [sql`host_state = 'present'`, sql`isolation = ${transition.isolation}`];
    case 'running':
      return [
        sql`host_state = 'present'`,
        ...(transition.isolation === undefined ? [] : [sql`isolation = ${transition.isolation}`]),
        sql`activity_ms = moment.ms`,
        sql`expires_ms = moment.ms + coalesce(lifetime_left_ms, ${transition.lifetimeMs}::bigint)`,
        sql`lifetime_left_ms = null`,
        sql`with_memory = false`,
        sql`resume = null`,
        sql`hooks_until_ms = null`,
      ];
    case 'suspending':
      return [
        sql`suspensions = suspensions + 1`,
        sql`with_memory = ${transition.memory}`,
        sql`hooks_until_ms = moment.ms + ${transition.hooksMs}::bigint`,
        sql`lifetime_left_ms = case
          when status <> 'running' then lifetime_left_ms
          when expires_ms < moment.ms then 0
          else expires_ms - moment.ms end`,
        sql`expires_ms = null`,
        sql`resume = null`,
      ];
    case 'suspended':
      return [
        sql`with_memory = ${transition.memory}`,
        sql`hooks_until_ms = null`,
        sql`expires_ms = moment.ms + ${transition.ttlMs}::bigint`,
        sql`resume = null`,
      ];
    case 'failure':
      return [sql`failure_reason = ${transition.reason}`, sql`end_ms = moment.ms`];
    case 'shutdown':
      return [sql`shutdown_reason = ${transition.reason}`, sql`end_ms = coalesce(end_ms, moment.ms)`];
  }
};

/** What the change sets, in an update of `devboxes` from a row `moment (ms)`. */
export const assignments = (transition: Transition): RawBuilder<unknown>[] => [
  sql`status = ${transition.to}`,
  sql`transitions = case when jsonb_array_length(transitions) < ${historyLength} then transitions else transitions - 1 end
    || jsonb_build_array(${sql.join(
      records(transition).map((entry) => sql`${entry}::jsonb || jsonb_build_object('at_ms', moment.ms)`),
    )})`,
  sql`active_ms = active_ms + case when status = any(${[...activeStatuses]}) then greatest(moment.ms - status_ms, 0) else 0 end`,
  sql`status_ms = moment.ms`,
  sql`revision = revision + 1`,
  sql`evict_ms = null`,
  ...ownAssignments(transition),
];
