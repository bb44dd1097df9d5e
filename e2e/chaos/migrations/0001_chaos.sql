create schema chaos;
grant usage on schema chaos to soma_app, soma_worker, soma_bus;

-- One row a committed handling, without any uniqueness: a doubled effect shows. What `item.changed` of an item was made by is its row's version.
create table chaos.effects (id int8 generated always as identity, tenant_id text not null, grp text not null, number int4 not null, key text not null);
create table chaos.items (tenant_id text not null, id int4 not null, version int4 not null, primary key (tenant_id, id));

alter table chaos.effects enable row level security;
alter table chaos.effects force row level security;
alter table chaos.items enable row level security;
alter table chaos.items force row level security;
create policy tenant on chaos.effects for all to soma_app, soma_worker using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy tenant on chaos.items for all to soma_app, soma_worker using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on chaos.effects to soma_bus using (true);
create policy bus on chaos.items to soma_bus using (true);
grant insert on chaos.effects to soma_app, soma_worker;
grant select, insert, update on chaos.items to soma_app, soma_worker;
grant select on chaos.effects, chaos.items to soma_bus;
