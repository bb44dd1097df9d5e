-- The correlation ids by which events without a plan's or task's id find their plan. A task's own id is not kept here.
create table tracker.correlations (
  tenant_id text not null,
  correlation_id text collate "C" not null,
  plan_id uuid not null,
  user_id text,
  -- A task's id wins over a plan's, which its children may share.
  is_task boolean not null,
  primary key (tenant_id, correlation_id, plan_id)
);
create index on tracker.correlations (tenant_id, plan_id);

grant select, insert, update, delete on tracker.correlations to soma_app, soma_worker;
alter table tracker.correlations enable row level security;
alter table tracker.correlations force row level security;
create policy rows on tracker.correlations for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.correlations as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));
