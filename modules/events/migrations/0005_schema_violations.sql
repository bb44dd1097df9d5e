-- When a tenant was last told that events of a type do not fit their schema: at most once an hour, whichever process sees them.
create table events.schema_violations (
  tenant_id text collate "C" not null, topic text collate "C" not null, type text collate "C" not null, said_at timestamptz not null,
  primary key (tenant_id, topic, type));

alter table events.schema_violations enable row level security;
alter table events.schema_violations force row level security;
create policy tenant on events.schema_violations for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on events.schema_violations for all to soma_bus using (true) with check (true);
grant select, insert, update, delete on events.schema_violations to soma_app, soma_worker, soma_bus;
