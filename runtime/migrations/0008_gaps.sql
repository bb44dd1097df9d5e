-- Stretches of the log that retention took from a subscription and that no stream of it was told of yet.
create table events.gap (
  grp text collate "C", topic text collate "C", part int2, from_pos int8, to_pos int8 not null, tenant_id text not null,
  recorded_at timestamptz not null default clock_timestamp(), primary key (grp, topic, part, from_pos));

alter table events.gap enable row level security;
alter table events.gap force row level security;
create policy tenant on events.gap for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on events.gap for all to soma_bus using (true) with check (true);
grant select, insert, delete on events.gap to soma_app, soma_worker, soma_bus;
