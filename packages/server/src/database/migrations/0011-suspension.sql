alter table devboxes drop constraint devboxes_status_check;
alter table devboxes add constraint devboxes_status_check check (status in
  ('queued', 'provisioning', 'initializing', 'running', 'suspending', 'suspended', 'failure', 'shutdown'));

alter table devboxes
  -- Starts from the disk after the first, and suspensions, so far: they number the executions of the platform.
  add column restarts integer not null default 0,
  add column suspensions integer not null default 0,
  -- suspending: the memory is to be kept; suspended: it is.
  add column with_memory boolean not null default false,
  -- What the present start goes on from; null for the first start of a box, and once it runs.
  add column resume text check (resume in ('disk', 'memory')),
  -- End of the time for suspend commands; null when there are none.
  add column hooks_until_ms bigint,
  -- What was left of the lifetime when the box was suspended; null when none applies.
  add column lifetime_left_ms bigint,
  -- Time of the last change of status, and time spent holding processor and memory before it.
  add column status_ms bigint,
  add column active_ms bigint not null default 0;

update devboxes set
  status_ms = coalesce((transitions -> -1 ->> 'at_ms')::bigint, create_ms),
  active_ms = coalesce((
    select sum(until_ms - at_ms) from (
      select entry ->> 'status' as status, (entry ->> 'at_ms')::bigint as at_ms,
        lead((entry ->> 'at_ms')::bigint) over (order by place) as until_ms
      from jsonb_array_elements(transitions) with ordinality as history (entry, place)
    ) as spans where status in ('initializing', 'running') and until_ms is not null
  ), 0);
alter table devboxes alter column status_ms set not null;

drop index devboxes_unsettled;
create index devboxes_unsettled on devboxes (id)
  where status not in ('failure', 'shutdown') or host_state in ('requested', 'present');
drop index devboxes_expiry;
create index devboxes_expiry on devboxes (expires_ms) where status not in ('failure', 'shutdown');

-- JSON of what the account has set itself; the rest are the defaults of the installation.
alter table accounts add column settings jsonb not null default '{}';
