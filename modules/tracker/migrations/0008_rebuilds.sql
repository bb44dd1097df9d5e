-- Rows of facts that the log no longer has: a rebuild keeps them.
alter table tracker.plans add column kept boolean not null default false;
alter table tracker.tasks add column kept boolean not null default false;
alter table tracker.timeline add column kept boolean not null default false;
-- Facts of an agent count in log order: an older one than the last applied changes nothing.
alter table tracker.agents add column sequence text collate "C" not null default '';

create table tracker.rebuilds (
  tenant_id text not null,
  id uuid not null,
  kind text not null,
  status text not null default 'running',
  -- Per partition where the log began, how far it is read and to where; null before the first look at the log.
  places jsonb,
  applied int4 not null default 0,
  failed int4 not null default 0,
  models jsonb not null default '[]',
  created_at timestamptz not null default statement_timestamp(),
  ended_at timestamptz,
  primary key (tenant_id, id)
) with (fillfactor = 70);
create unique index on tracker.rebuilds (tenant_id) where status = 'running';
grant select, insert, update on tracker.rebuilds to soma_app, soma_worker;
grant usage on schema tracker to soma_scheduler;
grant select (tenant_id, id, status) on tracker.rebuilds to soma_scheduler;

-- Beside each model the one that a rebuild fills while the old one serves. A column of one is a column of the other.
do $$
declare
  model text;
begin
  foreach model in array array['plans', 'tasks', 'timeline', 'correlations', 'gates', 'agents'] loop
    execute format('create table tracker.shadow_%1$s (like tracker.%1$s including defaults including indexes)', model);
    execute format('grant select, insert, update, delete on tracker.shadow_%s to soma_worker', model);
  end loop;
  foreach model in array array['rebuilds', 'shadow_plans', 'shadow_tasks', 'shadow_timeline', 'shadow_correlations', 'shadow_gates', 'shadow_agents'] loop
    execute format('alter table tracker.%s enable row level security', model);
    execute format('alter table tracker.%s force row level security', model);
    execute format('create policy rows on tracker.%s for all to soma_app, soma_worker using (true) with check (true)', model);
    execute format('create policy fence on tracker.%s as restrictive for all to soma_app, soma_worker
      using (tenant_id = (select nullif(current_setting(''soma.tenant_id'', true), ''''))) with check (tenant_id = (select nullif(current_setting(''soma.tenant_id'', true), '''')))', model);
  end loop;
end $$;
create policy running on tracker.rebuilds for select to soma_scheduler using (status = 'running');
