-- Who may decide a gate, and which events the live processes of an agent take: what the blockers of tasks name.
create table tracker.gates (
  tenant_id text not null,
  id text collate "C" not null,
  deciders text[] not null default '{}',
  due_at timestamptz,
  outcome text,
  primary key (tenant_id, id)
);
create table tracker.agents (
  tenant_id text not null,
  id text collate "C" not null,
  space_id text not null default '',
  name text not null,
  -- What a live process takes now: event types, and capabilities as `capability:<name>`.
  takes text[] not null default '{}',
  doc jsonb not null,
  primary key (tenant_id, id)
);
create index on tracker.tasks (tenant_id, parent_id) where parent_id is not null;
create index on tracker.tasks (tenant_id, plan_id) where status in ('pending', 'waiting', 'delegated');

grant select, insert, update, delete on tracker.gates, tracker.agents to soma_app, soma_worker;

alter table tracker.gates enable row level security;
alter table tracker.gates force row level security;
create policy rows on tracker.gates for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.gates as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));

alter table tracker.agents enable row level security;
alter table tracker.agents force row level security;
create policy rows on tracker.agents for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.agents as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
