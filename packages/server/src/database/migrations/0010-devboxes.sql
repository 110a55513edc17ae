-- Unix milliseconds by the clock of the database, the only clock that deadlines go by.
create function now_ms() returns bigint language sql volatile as
  $$ select (extract(epoch from clock_timestamp()) * 1000)::bigint $$;

create table devboxes (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text,
  metadata jsonb not null default '{}',
  -- What is wanted, and what clients see.
  status text not null check (status in ('provisioning', 'initializing', 'running', 'failure', 'shutdown')),
  -- What the host was told or has told: requested = create may have been sent; present = it answered; destroyed = only the spool is left.
  host_state text not null default 'absent'
    check (host_state in ('absent', 'requested', 'present', 'destroyed', 'forgotten')),
  failure_reason text,
  shutdown_reason text,
  -- [{status, at_ms, failure_reason?, detail?}], appended by each change of status in the same statement.
  transitions jsonb not null,
  -- JSON, as text because it is only read whole. The wish holds names of secrets, never values.
  launch_parameters text not null,
  wish text not null,
  -- JSON of path to text; null once all are in the box.
  file_mounts text,
  isolation text,
  create_ms bigint not null,
  end_ms bigint,
  -- End of the lifetime; null while none applies.
  expires_ms bigint,
  -- Length of idleness that ends the box; null when it does not.
  idle_ms bigint,
  activity_ms bigint not null,
  destroyed_ms bigint
);

create index devboxes_newest on devboxes (account_id, id desc);
create index devboxes_unsettled on devboxes (id)
  where status in ('provisioning', 'initializing', 'running') or host_state in ('requested', 'present');
create index devboxes_expiry on devboxes (expires_ms) where status in ('provisioning', 'initializing', 'running');
create index devboxes_idle on devboxes (activity_ms) where status = 'running' and idle_ms is not null;
create index devboxes_retention on devboxes (destroyed_ms) where host_state = 'destroyed';

-- Executions that keep a box with an idle rule from being idle. Others are known to the host alone.
create table open_executions (
  devbox_id text collate "C" not null references devboxes (id) on delete cascade,
  execution_id text collate "C" not null,
  primary key (devbox_id, execution_id)
);
