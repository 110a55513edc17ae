-- What the operator allows this account, by quota; what is left out is as the settings of the server say.
alter table accounts add column limits jsonb not null default '{}';

-- How many bytes an account keeps in objects.
create index objects_kept on objects (account_id) include (size_bytes) where blob_key is not null;
