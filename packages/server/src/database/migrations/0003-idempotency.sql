-- Answers remembered by idempotency key. status is null while the first request is being worked on.
create table idempotent_requests (
  token text collate "C" primary key,
  fingerprint bytea not null,
  owner text not null,
  status integer,
  body text,
  created_ms bigint not null
);

create index idempotent_requests_by_age on idempotent_requests (created_ms);

-- Which resource a key has made. Written in the transaction that makes the resource.
create table idempotent_creations (
  token text collate "C" primary key,
  resource_id text collate "C" not null,
  created_ms bigint not null
);

create index idempotent_creations_by_age on idempotent_creations (created_ms);
