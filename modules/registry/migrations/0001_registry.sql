create schema registry;
grant usage on schema registry to soma_app, soma_worker, soma_scheduler;

create table registry.schemas (
  tenant_id text not null,
  id uuid not null,
  name text not null,
  version text not null,
  -- the version in a form that sorts as text: see src/semver-order.ts
  version_order text collate "C" not null,
  json_schema jsonb not null,
  digest text not null,
  description text not null,
  owner_id text not null,
  status text not null default 'active',
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, name, version)
);

create table registry.event_definitions (
  tenant_id text not null,
  topic text not null,
  type text not null,
  version text not null,
  version_order text collate "C" not null,
  kind text not null,
  description text not null,
  purpose text,
  schema_name text not null,
  schema_version text not null,
  response_type text,
  response_topic text,
  response_schema jsonb,
  side_effects text not null,
  examples jsonb not null,
  tags jsonb not null,
  status text not null default 'active',
  owner_id text not null,
  owner_agent text,
  replaced_by text,
  sunset_at timestamptz,
  digest text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, topic, type, version)
);

create table registry.agents (
  tenant_id text not null,
  space_id text not null,
  id uuid not null,
  name text not null,
  owner_id text not null,
  -- the registration that was given last; those of live instances may differ during a rolling deploy
  digest text not null,
  -- when and how the last instance ended; null while one lives
  ended_at timestamptz,
  end_status text,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  version int not null default 1,
  primary key (tenant_id, id),
  unique (tenant_id, space_id, name)
);

-- what an agent said about itself, one row for each different text, shared by the instances that said it
create table registry.registrations (
  tenant_id text not null,
  agent_id uuid not null,
  digest text not null,
  kind text not null,
  agent_version text not null,
  description text not null,
  persona_id text,
  tags jsonb not null,
  capabilities jsonb not null,
  consumes jsonb not null,
  produces jsonb not null,
  primary key (tenant_id, agent_id, digest)
);

-- No index on expires_at: heartbeats then stay heap-only updates, and a sweep reads 10,000 rows in a few milliseconds.
create table registry.instances (
  tenant_id text not null,
  agent_id uuid not null,
  instance_id uuid not null,
  digest text not null,
  agent_version text not null,
  principal_id text not null,
  sdk jsonb,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  health text not null,
  health_detail text,
  load jsonb,
  region text,
  primary key (tenant_id, instance_id)
) with (fillfactor = 50);
create index on registry.instances (tenant_id, agent_id);

grant select, insert, update, delete
  on registry.schemas, registry.event_definitions, registry.agents, registry.registrations, registry.instances
  to soma_app, soma_worker;
grant select (tenant_id, expires_at) on registry.instances to soma_scheduler;

alter table registry.schemas enable row level security;
alter table registry.schemas force row level security;
alter table registry.event_definitions enable row level security;
alter table registry.event_definitions force row level security;
alter table registry.agents enable row level security;
alter table registry.agents force row level security;
alter table registry.registrations enable row level security;
alter table registry.registrations force row level security;
alter table registry.instances enable row level security;
alter table registry.instances force row level security;

-- what the platform defines is read by all and written by the platform alone
create policy fence on registry.schemas for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy platform on registry.schemas for select to soma_app, soma_worker using (tenant_id = 'platform');
create policy fence on registry.event_definitions for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy platform on registry.event_definitions for select to soma_app, soma_worker using (tenant_id = 'platform');

-- who is bound to a space sees that space alone
create policy fence on registry.agents for all to soma_app, soma_worker
  using (
    tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))
    and (select coalesce(current_setting('soma.space_id', true), '')) in ('', space_id)
  )
  with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy fence on registry.registrations for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy fence on registry.instances for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy sweeping on registry.instances for select to soma_scheduler using (true);
