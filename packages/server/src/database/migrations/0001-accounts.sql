create table accounts (
  id text collate "C" primary key,
  name text not null,
  disabled boolean not null default false,
  created_ms bigint not null
);

create table api_keys (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text,
  hash bytea not null unique check (octet_length(hash) = 32),
  created_ms bigint not null,
  expires_ms bigint,
  scopes jsonb
);

create index api_keys_by_account on api_keys (account_id);
