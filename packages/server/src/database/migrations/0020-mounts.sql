-- What is to be placed in a box before it runs, in order: [{type, plan}] as JSON; null once all is. The first ones are done, mounts_left are not.
alter table devboxes
  add column mounts text,
  add column mounts_left integer not null default 0;

-- As text: PostgreSQL refuses to look into JSON that holds \u0000.
update devboxes set mounts = '[{"type":"file_mount","plan":{"files":' || file_mounts || '}}]', mounts_left = 1 where file_mounts is not null;

alter table devboxes drop column file_mounts;
