-- Subscriptions of tenants, their members, and what publishing and settling remember. The schema events itself is made by the runtime's spine.
-- A subscription's group in events.cursor, events.delivery and events.dead_letter is 'sub:<uuid>': names of two tenants never meet.

create table events.subscriptions (
  tenant_id text collate "C" not null, id uuid primary key, name text collate "C" not null, space_id text not null default '',
  owner_id text not null, config jsonb not null, state text not null default 'active', version int4 not null default 1,
  created_at timestamptz not null default clock_timestamp(), last_member_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, name));

-- Whose a member id is, so that a lease that outlives the process still belongs to the principal it was given to.
create table events.members (
  tenant_id text collate "C" not null, subscription_id uuid not null, member_id uuid not null, principal_id text not null,
  seen_at timestamptz not null default clock_timestamp(), primary key (subscription_id, member_id));

-- API dedupe: hashes only. A row older than the dedupe window counts as absent.
create table events.seen (
  tenant_id text collate "C" not null, source_and_id uuid not null, content uuid not null, recorded_at timestamptz not null,
  primary key (tenant_id, source_and_id));
create index on events.seen using brin (recorded_at);

-- What was acknowledged lately: answers a repeated settle, and tells a new dispatcher which positions above the cursor are done.
create table events.settled (
  grp text collate "C" not null, topic text collate "C" not null, part int2 not null, pos int8 not null, tenant_id text collate "C" not null,
  delivery_id uuid not null, member uuid not null, attempt int2 not null, settled_at timestamptz not null default clock_timestamp(),
  primary key (grp, topic, part, pos));
create index on events.settled (delivery_id);
create index on events.settled using brin (settled_at);

do $$
declare named text;
begin
  foreach named in array array['events.subscriptions', 'events.members', 'events.seen', 'events.settled'] loop
    execute format('alter table %s enable row level security', named);
    execute format('alter table %s force row level security', named);
    execute format('create policy tenant on %s for all to soma_app, soma_worker
      using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()))', named);
    execute format('create policy bus on %s for all to soma_bus using (true) with check (true)', named);
    execute format('grant select, insert, update, delete on %s to soma_app, soma_worker, soma_bus', named);
  end loop;
end $$;
-- A principal bound to a space sees that space alone.
create policy space on events.subscriptions as restrictive for all to soma_app
  using (coalesce((select current_setting('soma.space_id', true)), '') in ('', space_id))
  with check (coalesce((select current_setting('soma.space_id', true)), '') in ('', space_id));

-- Remembers (tenant, source and id) with the content. Answers only the ones that were there, inside the window, with the content of the first.
-- One statement when all are new, as nearly always; else one by one, so that the first of two in one call is the first.
create function events.remember(tenants text[], keys uuid[], contents uuid[], at timestamptz, window_ms int8)
returns table (idx int4, content uuid, recorded_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  begin
    insert into events.seen (tenant_id, source_and_id, content, recorded_at) select w.t, w.k, w.c, at from unnest(tenants, keys, contents) as w (t, k, c);
    return;
  exception when unique_violation then null;
  end;
  for i in 1 .. cardinality(keys) loop
    insert into events.seen as s (tenant_id, source_and_id, content, recorded_at) values (tenants[i], keys[i], contents[i], at)
      on conflict (tenant_id, source_and_id) do update set content = excluded.content, recorded_at = excluded.recorded_at
      where s.recorded_at < at - window_ms * interval '1 millisecond';
    if not found then
      idx := i;
      select s.content, s.recorded_at into content, recorded_at from events.seen s where s.tenant_id = tenants[i] and s.source_and_id = keys[i];
      return next;
    end if;
  end loop;
end $$;

-- Acknowledges. Answers the indexes whose lease is not the member's any more: nothing was done for them.
create function events.acknowledge(ids uuid[], members uuid[], tries int2[]) returns table (idx int4)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare done events.delivery;
begin
  for i in 1 .. cardinality(ids) loop
    delete from events.delivery d where d.delivery_id = ids[i] and d.member = members[i] and d.attempt = tries[i]
      and d.lease_until > clock_timestamp() returning d.* into done;
    if found then
      insert into events.settled (grp, topic, part, pos, tenant_id, delivery_id, member, attempt)
        values (done.grp, done.topic, done.part, done.pos, done.tenant_id, done.delivery_id, done.member, done.attempt)
        on conflict (grp, topic, part, pos) do update set member = excluded.member, attempt = excluded.attempt, settled_at = excluded.settled_at;
      if done.replay_id is not null then
        update events.dead_letter set state = 'replayed' where delivery_id = done.delivery_id and state = 'replaying';
      end if;
    else
      idx := i;
      return next;
    end if;
  end loop;
end $$;

-- Writes rows that are leased to a member (attempt >= 1) or parked (member null, attempt 0). One row a place in a call.
create function events.hold(groups text[], topics text[], parts int2[], positions int8[], segments int4[], ids uuid[], tenants text[],
  keys text[], attempts int2[], members uuid[], lease_ms int8[]) returns void
language sql as $$
  insert into events.delivery as d (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at, member, lease_until)
    select w.grp, w.topic, w.part, w.pos, w.segment, w.id, w.tenant, w.key, w.attempt,
      case when w.member is null then 'infinity' else clock_timestamp() end, w.member, clock_timestamp() + w.ms * interval '1 millisecond'
    from unnest(groups, topics, parts, positions, segments, ids, tenants, keys, attempts, members, lease_ms)
      as w (grp, topic, part, pos, segment, id, tenant, key, attempt, member, ms)
    on conflict (grp, topic, part, pos) do update
      set attempt = excluded.attempt, due_at = excluded.due_at, member = excluded.member, lease_until = excluded.lease_until
$$;
