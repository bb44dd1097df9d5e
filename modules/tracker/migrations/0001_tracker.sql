create schema tracker;
grant usage on schema tracker to soma_app, soma_worker;

create table tracker.plans (
  tenant_id text not null,
  id uuid not null,
  space_id text not null default '',
  user_id text,
  owner_id text,
  visibility text not null default 'private',
  version int4 not null default 0,
  ended_version int4,
  status text not null,
  parent_id uuid,
  root_id uuid,
  session_id text,
  origin text,
  doc jsonb not null default '{}',
  created_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  sort_at timestamptz not null,
  as_of timestamptz not null,
  primary key (tenant_id, id)
) with (fillfactor = 70);
create index on tracker.plans (tenant_id, sort_at desc, id desc);
create index on tracker.plans (tenant_id, parent_id) where parent_id is not null;

create table tracker.tasks (
  tenant_id text not null,
  id uuid not null,
  plan_id uuid not null,
  space_id text not null default '',
  user_id text,
  version int4 not null default 0,
  generation int4 not null default 1,
  ended_version int4,
  status text not null,
  parent_id uuid,
  group_id uuid,
  attempts int4 not null default 0,
  progress float8,
  doc jsonb not null default '{}',
  created_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  sort_at timestamptz not null,
  as_of timestamptz not null,
  primary key (tenant_id, id)
) with (fillfactor = 70);
create index on tracker.tasks (tenant_id, plan_id, sort_at, id);
create index on tracker.tasks (tenant_id, group_id) where group_id is not null;
create index on tracker.tasks (tenant_id, sort_at desc, id desc);

create table tracker.timeline (
  tenant_id text not null,
  event_id text collate "C" not null,
  plan_id uuid,
  task_id uuid,
  at timestamptz not null,
  sequence text collate "C" not null,
  topic text not null,
  kind text not null,
  type text not null,
  actor text,
  causation_id text,
  correlation_id text,
  trace_id text,
  reply boolean not null default false,
  entity text,
  version int4,
  generation int4,
  attempt int4,
  duration_ms int8,
  outcome text,
  summary text not null,
  space_id text not null default '',
  user_id text,
  applied_at timestamptz not null default statement_timestamp(),
  primary key (tenant_id, event_id)
);
create index on tracker.timeline (tenant_id, plan_id, at, sequence, event_id);
create index on tracker.timeline (tenant_id, task_id) where plan_id is null;
create index on tracker.timeline (tenant_id, causation_id);
create index on tracker.timeline (tenant_id, trace_id);
create index on tracker.timeline (tenant_id, correlation_id);
create index on tracker.timeline (tenant_id, at desc);

grant select, insert, update, delete on all tables in schema tracker to soma_app, soma_worker;

alter table tracker.plans enable row level security;
alter table tracker.plans force row level security;
create policy rows on tracker.plans for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.plans as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
create policy visible on tracker.plans as restrictive for select to soma_app using (
  visibility = 'tenant'
  or (visibility = 'space' and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or user_id = (select nullif(current_setting('soma.user_id', true), ''))
  or (owner_id = (select nullif(current_setting('soma.principal_id', true), ''))
    and (user_id is null or (select nullif(current_setting('soma.user_id', true), '')) is null))
  or (select current_setting('soma.plan_read_all', true)) = 'on'
);

alter table tracker.tasks enable row level security;
alter table tracker.tasks force row level security;
create policy rows on tracker.tasks for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.tasks as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));

alter table tracker.timeline enable row level security;
alter table tracker.timeline force row level security;
create policy rows on tracker.timeline for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.timeline as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
