-- Which repeatable requests have changed a working item: the change and its mark commit together, so a repeat after a crash finds it and changes nothing.
create table memory.applied_changes (
  tenant_id text not null,
  scope_key text not null,
  key text collate "C" not null,
  request text not null,
  at timestamptz not null default now(),
  primary key (tenant_id, scope_key, key, request),
  foreign key (tenant_id, scope_key, key) references memory.working_items on delete cascade
);
create index on memory.applied_changes (at);
grant select, insert on memory.applied_changes to soma_app;
grant select, insert, update, delete on memory.applied_changes to soma_worker;
grant select (tenant_id, at) on memory.applied_changes to soma_scheduler;
alter table memory.applied_changes enable row level security;
alter table memory.applied_changes force row level security;
create policy tenant_fence on memory.applied_changes as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select memory.tenant())) with check (tenant_id = (select memory.tenant()));
create policy worker_all on memory.applied_changes for all to soma_worker using (true) with check (true);
create policy scope_read on memory.applied_changes for select to soma_app using (scope_key = any ((select memory.reads())::text[]));
create policy scope_insert on memory.applied_changes for insert to soma_app with check (scope_key = any ((select memory.writes())::text[]));
create policy sweeping on memory.applied_changes for select to soma_scheduler using (true);
