-- How something is done: versions of a name for an agent, of which one is active. What is activated or retired changes its status and nothing else.
alter table memory.nodes drop constraint nodes_kind_check;
alter table memory.nodes add constraint nodes_kind_check check (kind in ('fact', 'episode', 'procedure'));

create table memory.procedures (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  -- `*`: of every agent.
  agent_id text not null,
  name text not null,
  version int4 not null,
  type text not null check (type in ('system-prompt', 'few-shot', 'rule', 'skill')),
  status text not null default 'draft' check (status in ('draft', 'active', 'retired')),
  trigger text not null,
  content text not null,
  content_hash bytea not null,
  parameters jsonb,
  language text not null default 'en',
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  importance float8 not null default 0.5,
  trust int2 not null,
  -- The share of tasks that a draft serves in place of the active version.
  trial_share float8 check (trial_share between 0 and 0.5),
  uses int8 not null default 0,
  wins int8 not null default 0,
  approved_by text,
  activated_at timestamptz,
  source_id uuid,
  recorded_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, scope_key, agent_id, name, version),
  foreign key (tenant_id, id) references memory.nodes on delete cascade,
  foreign key (tenant_id, source_id) references memory.sources on delete set null (source_id)
) with (fillfactor = 70);
create unique index procedures_active on memory.procedures (tenant_id, scope_key, agent_id, name) where status = 'active';
create index procedures_rules on memory.procedures (tenant_id, scope_key, agent_id) where status = 'active' and type = 'rule' and tags <> '{}';
create index on memory.procedures (tenant_id, scope_key, recorded_at, id);
create index on memory.procedures (tenant_id, source_id) where source_id is not null;

grant select, insert, update, delete on memory.procedures to soma_app, soma_worker;
alter table memory.procedures enable row level security;
alter table memory.procedures force row level security;
create policy tenant_fence on memory.procedures as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select memory.tenant())) with check (tenant_id = (select memory.tenant()));
create policy worker_all on memory.procedures for all to soma_worker using (true) with check (true);
create policy scope_read on memory.procedures for select to soma_app using (scope_key = any ((select memory.reads())::text[]));
do $$
declare
  mine constant text := 'scope_key = any ((select memory.writes())::text[])
    and (split_part(scope_key, '':'', 1) not in (''tenant'', ''space'') or owner_id = (select memory.owner()) or (select memory.manager()))';
begin
  execute format('create policy scope_insert on memory.procedures for insert to soma_app with check (%s)', mine);
  execute format('create policy scope_update on memory.procedures for update to soma_app using (%s) with check (%s)', mine, mine);
  execute format('create policy scope_delete on memory.procedures for delete to soma_app using (%s)', mine);
end $$;
