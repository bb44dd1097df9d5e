-- Bytes that a tenant has published on a day (UTC), of all processes. Written a second late at most: a crash forgets that second.
create table events.usage (tenant_id text collate "C", day date, bytes int8 not null, primary key (tenant_id, day));

alter table events.usage enable row level security;
alter table events.usage force row level security;
create policy tenant on events.usage for select to soma_app, soma_worker using (tenant_id = (select runtime.tenant()));
create policy bus on events.usage for all to soma_bus using (true) with check (true);
grant select on events.usage to soma_app, soma_worker;
grant select, insert, update, delete on events.usage to soma_bus;
