create schema plans;
grant usage on schema plans to soma_app, soma_worker, soma_scheduler;

create function plans.tenant() returns text language sql stable as $$ select nullif(current_setting('soma.tenant_id', true), '') $$;

create table plans.plans (
  tenant_id text not null,
  id uuid not null,
  root_id uuid not null,
  parent_id uuid,
  parent_key text,
  depth int2 not null default 0,
  driver text not null,
  origin text not null,
  status text not null,
  phase text not null,
  stop_reason text,
  space_id text not null,
  user_id text,
  owner_id text not null,
  session_id text,
  visibility text not null default 'private',
  spec_digest text,
  revision int4 not null default 1,
  semantics int4 not null default 1,
  state_version int4 not null default 1,
  counts jsonb not null,
  seq int8 not null default 0,
  fact_seq int8 not null default 0,
  head bytea,
  version int4 not null default 1,
  doc jsonb not null,
  state jsonb,
  results jsonb,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  retain_until timestamptz,
  primary key (tenant_id, id)
) with (fillfactor = 70);
create index on plans.plans (tenant_id, status, id desc);
create index on plans.plans (tenant_id, parent_id) where parent_id is not null;
create index on plans.plans (retain_until) where ended_at is not null;

create table plans.tasks (
  tenant_id text not null,
  plan_id uuid not null,
  key text collate "C" not null,
  id uuid not null,
  ord int4 not null,
  kind text not null,
  status text not null,
  outcome text,
  reason text,
  parent_id uuid,
  group_id uuid,
  needs_left int4 not null default 0,
  generation int2 not null default 1,
  try int2 not null default 1,
  delivery int2 not null default 0,
  fence int8 not null default 0,
  result_seq int8,
  doc jsonb not null,
  state jsonb,
  version int4 not null default 1,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (tenant_id, plan_id, key),
  unique (id, tenant_id)
) with (fillfactor = 70);
create index on plans.tasks (tenant_id, reason, id) where status = 'waiting';
create index on plans.tasks (parent_id, tenant_id) where parent_id is not null;
create index on plans.tasks (group_id, tenant_id) where group_id is not null;
create index on plans.tasks (tenant_id, (doc ->> 'gateId')) where status = 'waiting';

create table plans.groups (
  tenant_id text not null,
  id uuid not null,
  plan_id uuid not null,
  parent_id uuid,
  total int4 not null,
  completed int4 not null default 0,
  failed int4 not null default 0,
  created_at timestamptz not null,
  completed_at timestamptz,
  last_task_id uuid,
  primary key (tenant_id, id)
) with (fillfactor = 70);

create table plans.inbox (
  tenant_id text not null,
  plan_id uuid not null,
  id int8 generated always as identity,
  dedupe_key text not null,
  kind text not null,
  data jsonb not null,
  at timestamptz not null,
  primary key (tenant_id, plan_id, id),
  unique (tenant_id, plan_id, dedupe_key)
);

create table plans.journal (
  tenant_id text not null,
  plan_id uuid not null,
  seq int8 not null,
  dedupe_key text,
  kind text not null,
  data jsonb not null,
  hash bytea not null,
  at timestamptz not null,
  primary key (tenant_id, plan_id, seq)
);
create unique index on plans.journal (tenant_id, plan_id, dedupe_key) where dedupe_key is not null;

create table plans.work (
  tenant_id text not null,
  plan_id uuid not null,
  kind text not null,
  key text collate "C" not null,
  queue text not null default '',
  priority int2 not null default 0,
  run_at timestamptz not null,
  lease_owner uuid,
  lease_until timestamptz,
  fence int8 not null default 0,
  lost int2 not null default 0,
  primary key (tenant_id, plan_id, kind, key)
) with (fillfactor = 70);
create index on plans.work (queue, run_at) where lease_owner is null;

create table plans.correlations (
  tenant_id text not null,
  correlation_id text not null,
  plan_id uuid not null,
  primary key (tenant_id, correlation_id, plan_id)
);

grant select, insert, update, delete on all tables in schema plans to soma_app, soma_worker;

alter table plans.plans enable row level security;
alter table plans.plans force row level security;
create policy rows on plans.plans for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.plans as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));
create policy visible on plans.plans as restrictive for select to soma_app using (
  visibility = 'tenant'
  or (visibility = 'space' and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or user_id = (select nullif(current_setting('soma.user_id', true), ''))
  or (owner_id = (select nullif(current_setting('soma.principal_id', true), ''))
    and (user_id is null or (select nullif(current_setting('soma.user_id', true), '')) is null))
  or (select current_setting('soma.plan_read_all', true)) = 'on'
);

alter table plans.tasks enable row level security;
alter table plans.tasks force row level security;
create policy rows on plans.tasks for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.tasks as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));

alter table plans.groups enable row level security;
alter table plans.groups force row level security;
create policy rows on plans.groups for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.groups as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));

alter table plans.inbox enable row level security;
alter table plans.inbox force row level security;
create policy rows on plans.inbox for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.inbox as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));
create policy waking on plans.inbox for select to soma_scheduler using (true);
grant select (tenant_id, plan_id, id) on plans.inbox to soma_scheduler;

alter table plans.journal enable row level security;
alter table plans.journal force row level security;
create policy rows on plans.journal for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.journal as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));

alter table plans.work enable row level security;
alter table plans.work force row level security;
create policy rows on plans.work for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.work as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));
create policy scheduling on plans.work to soma_scheduler using (true) with check (true);
grant select, update on plans.work to soma_scheduler;

alter table plans.correlations enable row level security;
alter table plans.correlations force row level security;
create policy rows on plans.correlations for all to soma_app, soma_worker using (true) with check (true);
create policy fence on plans.correlations as restrictive for all to soma_app, soma_worker using (tenant_id = (select plans.tenant())) with check (tenant_id = (select plans.tenant()));
