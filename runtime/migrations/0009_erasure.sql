-- Keys under which the data of events lies on a bus outside the database, themselves sealed by the installation's key: one a tenant and user, '' = events of no user.
-- A destroyed key keeps its row without the key, so that what it sealed is known to be erased and not broken.
create table events.sealing_keys (
  key_id uuid primary key, tenant_id text collate "C" not null, user_id text collate "C" not null, sealed text,
  created_at timestamptz not null default clock_timestamp(), destroyed_at timestamptz);
create unique index on events.sealing_keys (tenant_id, user_id) where sealed is not null;

-- What is to be erased and what was: a whole tenant (user_id '') or one user of it. `heard_at`: where the fact that asks for it stands; every module reads it first.
create table events.erasures (
  tenant_id text collate "C" not null, user_id text collate "C" not null, topic text not null, heard_at text not null,
  requested_at timestamptz not null default clock_timestamp(), due_at timestamptz not null, ended_at timestamptz, report jsonb,
  primary key (tenant_id, user_id));
create index on events.erasures (due_at) where ended_at is null;
create index on events.erasures (ended_at);

do $$
declare named text;
begin
  foreach named in array array['events.sealing_keys', 'events.erasures'] loop
    execute format('alter table %s enable row level security', named);
    execute format('alter table %s force row level security', named);
    execute format('create policy tenant on %s for all to soma_app, soma_worker
      using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()))', named);
    execute format('create policy bus on %s for all to soma_bus using (true) with check (true)', named);
  end loop;
end $$;
grant select, insert, update on events.sealing_keys to soma_bus;
grant select, insert, update on events.erasures to soma_worker, soma_bus;
