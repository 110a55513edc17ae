-- Agents that can be mounted into devboxes. Those without an account come with the installation.
create table agents (
  id text collate "C" primary key,
  account_id text collate "C" references accounts (id),
  name text not null,
  version text,
  is_public boolean not null default false,
  source jsonb,
  -- Of agents that come with the installation: how they are started.
  ready_made jsonb,
  create_ms bigint not null
);

create index agents_newest on agents (account_id, id desc);
create index agents_public on agents (id desc) where is_public;
create index agents_named on agents (name, id desc);

-- Which devboxes were made with which agent. The name outlives the agent.
create table devbox_agents (
  devbox_id text collate "C" not null references devboxes (id) on delete cascade,
  agent_id text collate "C" not null,
  agent_name text not null,
  primary key (devbox_id, agent_id)
);
