create schema bench;
grant usage on schema bench to soma_app, soma_worker;
create table bench.rows (id int8 generated always as identity primary key, tenant_id text not null, text text not null);
alter table bench.rows enable row level security;
alter table bench.rows force row level security;
create policy tenant on bench.rows for all to soma_app, soma_worker using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
grant select, insert on bench.rows to soma_app, soma_worker;
