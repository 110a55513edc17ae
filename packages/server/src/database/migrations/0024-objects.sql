create table objects (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text not null,
  content_type text not null check (content_type in ('unspecified', 'text', 'binary', 'gzip', 'tar', 'tgz')),
  state text not null check (state in ('UPLOADING', 'READ_ONLY', 'DELETED', 'ERROR')),
  metadata jsonb not null default '{}',
  is_public boolean not null default false,
  -- Where the store has the content; null before the upload, and once it is deleted.
  blob_key text collate "C" unique,
  size_bytes bigint,
  checksum bigint,
  create_ms bigint not null,
  delete_after_ms bigint
);

create index objects_newest on objects (account_id, id desc);
create index objects_public on objects (id desc) where is_public;
create index objects_expiry on objects (delete_after_ms) where state in ('UPLOADING', 'READ_ONLY') and delete_after_ms is not null;
create index objects_uploading on objects (create_ms) where state = 'UPLOADING';

-- Blobs that no object names: being uploaded by that run of the server, or, without an owner, to be removed. Written before the store is asked to
-- keep anything, so that every blob is named here or by an object, whenever the server is killed.
create table loose_blobs (
  blob_key text collate "C" primary key,
  owner text,
  since_ms bigint not null
);
