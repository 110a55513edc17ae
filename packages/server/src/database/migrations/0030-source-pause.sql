-- How long the source of a fork stood still for it; null until it is known, and for what is no fork.
alter table devboxes add column source_pause_ms bigint;
