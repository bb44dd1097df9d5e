create schema load0;
grant usage on schema load0 to soma_app, soma_worker, soma_bus;

-- One row a committed handler transaction, without any uniqueness: a doubled effect shows.
create table load0.effects (id int8 generated always as identity, tenant_id text not null, grp text not null, number int4 not null, key text not null);

alter table load0.effects enable row level security;
alter table load0.effects force row level security;
create policy tenant on load0.effects for all to soma_app, soma_worker using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on load0.effects to soma_bus using (true);
grant insert on load0.effects to soma_app, soma_worker;
grant select on load0.effects to soma_bus;
