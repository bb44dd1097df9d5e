-- Groups that were told to be lagging, so that it is told once, whichever process measures. tenant_id is null for a module's group.
create table events.lagging (
  grp text collate "C", topic text collate "C", tenant_id text, since timestamptz not null default clock_timestamp(), primary key (grp, topic));

alter table events.lagging enable row level security;
alter table events.lagging force row level security;
create policy tenant on events.lagging for select to soma_app, soma_worker using (tenant_id = (select runtime.tenant()));
create policy bus on events.lagging for all to soma_bus using (true) with check (true);
grant select on events.lagging to soma_app, soma_worker;
grant select, insert, delete on events.lagging to soma_bus;
