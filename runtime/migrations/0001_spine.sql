-- The spine of the platform: outbox, cursors, deliveries, dead letters, inbox, idempotency and leases. The same for every event bus.
--
-- A row of events.delivery is one event on its way to one group that is not finished in cursor order. Its states, for module groups and remote groups alike:
--   leased    member is not null               in hand of that member until lease_until; attempt counts the one that runs
--   retrying  member is null, attempt >= 1, due_at finite       failed; runs again when due, before every later position of its key
--   parked    member is null, attempt = 0, due_at = 'infinity'  waits behind a lower position of its (tenant, key); freed by setting due_at to now
--   blocked   member is null, attempt >= 1, due_at = 'infinity' its dead letter is open and the group keeps the key blocked
-- Success deletes the row and frees the lowest parked row of the key in the same transaction. The end of all attempts writes events.dead_letter in the transaction
-- that deletes the row, so an event is never in neither place. The cursor of the partition passes a position once it is finished or has a row here.

do $$
declare wanted text;
begin
  foreach wanted in array array['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler'] loop
    if not exists (select from pg_roles where rolname = wanted) then execute format('create role %I nologin', wanted); end if;
  end loop;
end $$;

create schema if not exists runtime;
create schema events;
grant usage on schema runtime, events to soma_app, soma_worker, soma_bus, soma_scheduler;

create function runtime.tenant() returns text language sql stable parallel safe
  as $$ select nullif(current_setting('soma.tenant_id', true), '') $$;

-- due_at is set for delayed events; they move to the log when due.
create table events.outbox (
  id int8 generated always as identity primary key,
  topic text not null, part int2 not null, tenant_id text not null, event_id text not null, type text not null, key text not null,
  user_id text, due_at timestamptz, created_at timestamptz not null default clock_timestamp(), envelope text not null);
create index on events.outbox (part, id) where due_at is null;
create index on events.outbox (due_at, id) where due_at is not null;

-- tenant_id is null for a module's group: its cursor runs over the events of all tenants, so the row belongs to none.
create table events.cursor (
  grp text collate "C", topic text collate "C", part int2, tenant_id text,
  segment int4 not null default 0, pos int8 not null default 0,
  owner uuid, epoch int8 not null default 0, lease_until timestamptz,
  primary key (grp, topic, part)) with (fillfactor = 20);

create table events.delivery (
  grp text collate "C", topic text collate "C", part int2, pos int8, segment int4 not null,
  delivery_id uuid not null unique, tenant_id text not null, key text collate "C" not null, attempt int2 not null default 0,
  due_at timestamptz not null, member uuid, lease_until timestamptz, replay_id uuid, first_failed_at timestamptz,
  problem jsonb, attempts jsonb not null default '[]',
  primary key (grp, topic, part, pos)) with (fillfactor = 70);
-- The tenant is part of a key's identity: two tenants with one key text never wait for each other.
create index on events.delivery (grp, topic, part, tenant_id, key, pos);

create table events.dead_letter (
  delivery_id uuid primary key, tenant_id text not null, grp text not null, topic text not null, part int2, pos int8, segment int4,
  event_id text not null, type text not null, key text not null, envelope text not null, attempts jsonb not null, problem jsonb not null,
  handler text, first_failed_at timestamptz not null, dead_at timestamptz not null, state text not null, resolution jsonb);
create index on events.dead_letter (tenant_id, dead_at desc);
create index on events.dead_letter (grp) where state = 'open';

-- An event id is unique per (tenant, source) only, so both stand in the key. Written first in a handler's transaction: a second owner waits here until the first has ended.
create table runtime.inbox (
  tenant_id text collate "C", grp text collate "C", event_id text collate "C", source text collate "C", replay_id text collate "C" not null default '',
  handled_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, grp, event_id, source, replay_id));
create index on runtime.inbox using brin (handled_at);

create table runtime.idempotency (
  tenant_id text collate "C", principal_id text collate "C", operation text collate "C", key text collate "C",
  request_hash text not null, claimed_by text not null, status int2, response jsonb, created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, principal_id, operation, key));
create index on runtime.idempotency (created_at);

-- Jobs, the relay and the presence of nodes. No tenant's data.
create table runtime.job_leases (
  name text collate "C" primary key, owner uuid, epoch int8 not null default 0, lease_until timestamptz,
  next_run_at timestamptz not null default '-infinity', failures int4 not null default 0, last_problem jsonb) with (fillfactor = 50);

do $$
declare named text;
begin
  foreach named in array array['events.outbox', 'events.cursor', 'events.delivery', 'events.dead_letter', 'runtime.inbox', 'runtime.idempotency'] loop
    execute format('alter table %s enable row level security', named);
    execute format('alter table %s force row level security', named);
    execute format('create policy tenant on %s for all to soma_app, soma_worker
      using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()))', named);
    execute format('create policy bus on %s for all to soma_bus using (true) with check (true)', named);
    execute format('grant select, insert, update, delete on %s to soma_app, soma_worker, soma_bus', named);
  end loop;
end $$;
-- A handler's transaction checks the epoch of its module's cursor.
create policy module_groups on events.cursor for select to soma_worker using (tenant_id is null);
grant select, insert, update, delete on runtime.job_leases to soma_bus, soma_scheduler;

-- Claims a lease that is free, lapsed or already the caller's. Answers the epoch, or no row when another holds it.
create function runtime.claim_lease(wanted text, claimer uuid, ttl_seconds float8) returns setof int8
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  return query
    insert into runtime.job_leases as l (name, owner, epoch, lease_until)
      values (wanted, claimer, 1, clock_timestamp() + make_interval(secs => ttl_seconds))
    on conflict (name) do update
      set owner = claimer, lease_until = excluded.lease_until, epoch = l.epoch + case when l.owner = claimer then 0 else 1 end
      where l.owner is null or l.owner = claimer or l.lease_until < clock_timestamp()
    returning l.epoch;
end $$;

create function runtime.release_lease(wanted text, holder uuid) returns void
language sql as $$ update runtime.job_leases set owner = null, lease_until = null where name = wanted and owner = holder $$;

-- Locks the lease for the rest of the transaction, so that nobody takes it before this one commits. False = it is lost.
create function runtime.hold_lease(wanted text, holder uuid, held int8) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  perform from runtime.job_leases where name = wanted and owner = holder and epoch = held for share;
  return found;
end $$;

create function events.outbox_add(topics text[], parts int2[], tenants text[], event_ids text[], types text[], keys text[], users text[], dues timestamptz[], envelopes text[]) returns void
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  for i in 1 .. cardinality(topics) loop
    insert into events.outbox (topic, part, tenant_id, event_id, type, key, user_id, due_at, envelope)
      values (topics[i], parts[i], tenants[i], event_ids[i], types[i], keys[i], users[i], dues[i], envelopes[i]);
  end loop;
end $$;

-- 'run': the caller is first and still owns the partition. 'duplicate': handled before. 'lost': another node owns the partition now.
create function runtime.enter_inbox(of_tenant text, of_grp text, of_event text, of_source text, of_replay text, of_topic text, of_part int2, held int8) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  insert into runtime.inbox (tenant_id, grp, event_id, source, replay_id) values (of_tenant, of_grp, of_event, of_source, of_replay) on conflict do nothing;
  if not found then return 'duplicate'; end if;
  perform from events.cursor where grp = of_grp and topic = of_topic and part = of_part and epoch = held;
  if not found then return 'lost'; end if;
  return 'run';
end $$;
