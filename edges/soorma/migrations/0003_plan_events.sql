-- What the events of a plan say about it, where the plan has an id of the dialect: requests, results, and signs of the plan itself. Progress is counted from them when it is asked for.
create table soorma.plan_events (
  tenant_id text not null,
  space_id text not null,
  user_id text not null,
  plan_id text collate "C" not null,
  event_id text collate "C" not null,
  topic text not null,
  type text not null,
  action_id text collate "C" not null,
  at timestamptz not null,
  parent_event_id text,
  trace_id text,
  -- Who sent it.
  agent text collate "C" not null,
  is_failure boolean not null,
  -- How many actions `plan.started` promised.
  total int4,
  primary key (tenant_id, space_id, user_id, plan_id, event_id)
);
create index on soorma.plan_events (tenant_id, at);
create index on soorma.plan_events (tenant_id, space_id, agent, at) where topic = 'action-results';

grant select, insert, delete on soorma.plan_events to soma_app, soma_worker;
alter table soorma.plan_events enable row level security;
alter table soorma.plan_events force row level security;
create policy fence on soorma.plan_events for all to soma_app, soma_worker
  using (
    tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))
    and (select coalesce(current_setting('soma.space_id', true), '')) in ('', space_id)
  )
  with check (
    tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))
    and space_id = (select coalesce(current_setting('soma.space_id', true), ''))
  );
