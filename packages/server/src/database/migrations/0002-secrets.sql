create table secrets (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text collate "C" not null,
  key_id text not null,
  sealed_value bytea not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  unique (account_id, name)
);

create index secrets_newest on secrets (account_id, id desc);
