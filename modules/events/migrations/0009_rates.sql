-- Events that a tenant may publish at this moment, of all processes: grows by its quota a second, to a second's worth. A crash of the database fills it, so nothing of it
-- is logged.
create unlogged table events.rates (tenant_id text collate "C" primary key, tokens float8 not null, at timestamptz not null);

alter table events.rates enable row level security;
alter table events.rates force row level security;
create policy tenant on events.rates for select to soma_app, soma_worker using (tenant_id = (select runtime.tenant()));
create policy bus on events.rates for all to soma_bus using (true) with check (true);
grant select on events.rates to soma_app, soma_worker;
grant select, insert, update, delete on events.rates to soma_bus;
