create table snapshots (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  devbox_id text collate "C" not null,
  source_blueprint_id text,
  -- What clients see. Internal ones, taken for a fork, they do not see at all.
  status text not null check (status in ('in_progress', 'complete', 'error', 'deleted')),
  internal boolean not null default false,
  name text,
  commit_message text,
  metadata jsonb not null default '{}',
  with_memory boolean not null default false,
  -- What the host was told or has told: requested = the snapshot may have been taken; present = it is there; gone = it was deleted.
  host_state text not null default 'absent' check (host_state in ('absent', 'requested', 'present', 'gone')),
  isolation text,
  size_bytes bigint,
  memory_bytes bigint,
  paused_ms bigint,
  error_message text,
  create_ms bigint not null,
  end_ms bigint
);

create index snapshots_newest on snapshots (account_id, id desc) where not internal and status in ('in_progress', 'complete');
create index snapshots_of_devbox on snapshots (devbox_id) where status = 'in_progress';
create index snapshots_unsettled on snapshots (id)
  where status = 'in_progress' or host_state in ('requested', 'present') and (internal or status in ('error', 'deleted'));

alter table devboxes
  -- The snapshot that clients see as the source, and the one that the host starts from, with its memory or without.
  add column snapshot_id text,
  add column image_id text collate "C" references snapshots (id),
  add column image_memory boolean not null default false,
  add column forked_from text;

create index devboxes_awaiting_image on devboxes (image_id) where image_id is not null;
