-- Counts the changes of what a box holds, so that one who hears of them late can tell which is newer.
alter table devboxes add column revision integer not null default 0;

-- When the box will be suspended to make room for others; null when it will not.
alter table devboxes add column evict_ms bigint;
create index devboxes_evictions on devboxes (evict_ms) where evict_ms is not null;
