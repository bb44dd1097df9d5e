-- A stretch of the log that one group gets again. Its deliveries are rows of events.delivery with replay_id = id, beside the cursor of the group.
-- `places`: per topic and partition what was handed out up to here, and where it ends.
create table events.replays (
  tenant_id text collate "C" not null, id uuid primary key, space_id text not null default '', grp text collate "C" not null,
  filter jsonb not null, places jsonb not null, state text not null, dry_run boolean not null, matched int8 not null default 0,
  created_by text not null, created_at timestamptz not null default clock_timestamp(), ended_at timestamptz);
create index on events.replays (grp) where state = 'running';

alter table events.replays enable row level security;
alter table events.replays force row level security;
create policy tenant on events.replays for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on events.replays for all to soma_bus using (true) with check (true);
create policy space on events.replays as restrictive for all to soma_app
  using (coalesce((select current_setting('soma.space_id', true)), '') in ('', space_id))
  with check (coalesce((select current_setting('soma.space_id', true)), '') in ('', space_id));
grant select, insert, update, delete on events.replays to soma_app, soma_worker, soma_bus;
-- How much of a replay is not at its end.
create index on events.delivery (replay_id) where replay_id is not null;
