create table blueprints (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text not null,
  -- What clients see. Moved on before the host is asked to act.
  status text not null check (status in ('queued', 'provisioning', 'building', 'failed', 'build_complete')),
  deleted boolean not null default false,
  is_public boolean not null default false,
  -- JSON of the request without tokens and passwords, as text because it is only read whole.
  parameters text not null,
  metadata jsonb not null default '{}',
  -- Tokens and passwords of the request, sealed by the master key of that id; null once the build has ended.
  sealed_key_id text,
  sealed_credentials bytea,
  base_blueprint_id text collate "C" references blueprints (id),
  -- What the host was told or has told: requested = it may be building; present = the build has ended, log and perhaps image are there; gone = all was removed.
  host_state text not null default 'absent' check (host_state in ('absent', 'requested', 'present', 'gone')),
  failure_reason text,
  failure_message text,
  -- Builds begun that the host lost before their end.
  lost_builds integer not null default 0,
  size_bytes bigint,
  stand_in text,
  create_ms bigint not null,
  start_ms bigint,
  finish_ms bigint
);

create index blueprints_newest on blueprints (account_id, id desc) where not deleted;
create index blueprints_by_name on blueprints (account_id, name, id desc) where status = 'build_complete' and not deleted;
create index blueprints_public on blueprints (name, id desc) where is_public and not deleted;
create index blueprints_unsettled on blueprints (id)
  where status in ('queued', 'provisioning', 'building') or host_state = 'requested' or deleted and host_state = 'present';

alter table devboxes
  -- The blueprint that clients see as the source, and the one whose image the host starts from: a fork has the first only.
  add column blueprint_id text collate "C" references blueprints (id),
  add column image_blueprint_id text collate "C" references blueprints (id);

create index devboxes_awaiting_blueprint on devboxes (image_blueprint_id)
  where image_blueprint_id is not null and status in ('queued', 'provisioning') and host_state in ('absent', 'requested');
create index snapshots_of_blueprint on snapshots (source_blueprint_id) where source_blueprint_id is not null;
