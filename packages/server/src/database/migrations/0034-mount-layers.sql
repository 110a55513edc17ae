-- Mounts that were made once, in a box of their own, and are kept by the host as snapshots that other boxes start from. A row is written before the
-- host is asked for anything of its id; what the host has of such an id and no row stands for is removed.
create table mount_layers (
  id text collate "C" primary key,
  -- Hash of all that it depends on.
  key text collate "C" not null unique,
  -- Blueprint or default image below it.
  image text collate "C" not null,
  status text not null check (status in ('making', 'ready')),
  size_bytes bigint not null default 0,
  made_ms bigint not null,
  used_ms bigint not null
);

-- The layer that the host starts the box from, and which of its mounts are in it: {id, mounts} as JSON.
alter table devboxes add column layer text;
