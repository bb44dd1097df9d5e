-- How a group holds partitions and settles deliveries. Every function that writes for an owner first proves that the owner still holds the partition (its epoch):
-- a node that stalled and wakes changes nothing.

-- Renews what the claimer holds, claims what is free up to its fair share, and answers all it holds now. `share` = the most partitions it should keep.
-- `lapse_ms` = until the first lease of another member ends, so that the caller can be there when it does.
-- Rows are locked in key order, as in commit_cursors, so that both never wait for each other in a circle.
create function events.hold_partitions(of_grp text, of_topics text[], of_parts int4, claimer uuid, ttl_seconds float8,
  held_topics text[], held_parts int2[], held_epochs int8[])
returns table (topic text, part int2, epoch int8, segment int4, pos int8, fresh boolean, share int4, lapse_ms float8)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  presence text := 'group/' || of_grp || '/';
  until timestamptz := clock_timestamp() + make_interval(secs => ttl_seconds);
  total int4 := cardinality(of_topics) * of_parts;
  members int4; fair int4; renewed int4; lapse float8;
begin
  insert into runtime.job_leases as l (name, owner, epoch, lease_until) values (presence || claimer, claimer, 1, until)
    on conflict (name) do update set lease_until = until;
  delete from runtime.job_leases l where l.name > presence and l.name < 'group/' || of_grp || '0' and l.lease_until < clock_timestamp();
  select count(*) into members from runtime.job_leases l where l.name > presence and l.name < 'group/' || of_grp || '0';
  fair := ceil(total::float8 / members);

  if (select count(*) from events.cursor c where c.grp = of_grp and c.topic = any (of_topics) and c.part < of_parts) < total then
    insert into events.cursor (grp, topic, part)
      select of_grp, t, p from unnest(of_topics) t, generate_series(0, of_parts - 1) p order by t, p on conflict do nothing;
  end if;

  select extract(epoch from min(c.lease_until) - clock_timestamp()) * 1000 into lapse
    from events.cursor c where c.grp = of_grp and c.owner <> claimer and c.lease_until > clock_timestamp();
  perform from events.cursor c where c.grp = of_grp and c.owner = claimer order by c.topic, c.part for no key update;
  return query
    update events.cursor c set lease_until = until
      from unnest(held_topics, held_parts, held_epochs) as h (topic, part, epoch)
      where c.grp = of_grp and c.topic = h.topic and c.part = h.part and c.epoch = h.epoch and c.owner = claimer
      returning c.topic, c.part, c.epoch, c.segment, c.pos, false, fair, lapse;
  get diagnostics renewed = row_count;
  return query
    update events.cursor c set owner = claimer, epoch = c.epoch + 1, lease_until = until
      from (select f.topic, f.part from events.cursor f
             where f.grp = of_grp and f.topic = any (of_topics) and f.part < of_parts
               and (f.owner is null or f.owner = claimer or f.lease_until < clock_timestamp())
               and not exists (select from unnest(held_topics, held_parts) as h (topic, part) where h.topic = f.topic and h.part = f.part)
             order by f.topic, f.part limit greatest(fair - renewed, 0) for no key update skip locked) as free
      where c.grp = of_grp and c.topic = free.topic and c.part = free.part
      returning c.topic, c.part, c.epoch, c.segment, c.pos, true, fair, lapse;
  -- A row without a partition, for a caller that holds none.
  topic := null; share := fair; lapse_ms := lapse;
  return next;
end $$;

create function events.release_partitions(of_grp text, holder uuid, of_topics text[], of_parts int2[]) returns void
language sql as $$
  update events.cursor c set owner = null, lease_until = null
    from unnest(of_topics, of_parts) as r (topic, part)
    where c.grp = of_grp and c.topic = r.topic and c.part = r.part and c.owner = holder
$$;

create function events.leave_group(of_grp text, holder uuid) returns void
language sql as $$ delete from runtime.job_leases where name = 'group/' || of_grp || '/' || holder $$;

-- Answers the partitions whose cursor moved; one that is missing is no longer the caller's. A commit that is lost in a crash only repeats events that the inbox
-- already knows, so it need not wait for the disk.
create function events.commit_cursors(of_grp text, of_topics text[], of_parts int2[], of_epochs int8[], of_segments int4[], of_positions int8[])
returns table (topic text, part int2)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  perform set_config('synchronous_commit', 'off', true);
  for i in 1 .. cardinality(of_topics) loop
    update events.cursor c set segment = of_segments[i], pos = of_positions[i]
      where c.grp = of_grp and c.topic = of_topics[i] and c.part = of_parts[i] and c.epoch = of_epochs[i];
    if found then
      topic := of_topics[i]; part := of_parts[i];
      return next;
    end if;
  end loop;
end $$;

-- True while the epoch is the caller's; locks the cursor, so that nobody claims the partition before this transaction ends.
create function events.owns(of_grp text, of_topic text, of_part int2, held int8) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  perform from events.cursor where grp = of_grp and topic = of_topic and part = of_part and epoch = held for share;
  return found;
end $$;

-- Frees the lowest row of a key after the one before it is gone. True when there is one.
create function events.free_next(of_grp text, of_topic text, of_part int2, of_tenant text, of_key text) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare lowest int8;
begin
  select d.pos into lowest from events.delivery d
    where d.grp = of_grp and d.topic = of_topic and d.part = of_part and d.tenant_id = of_tenant and d.key = of_key order by d.pos limit 1;
  if lowest is null then return false; end if;
  update events.delivery set due_at = clock_timestamp()
    where grp = of_grp and topic = of_topic and part = of_part and pos = lowest and attempt = 0 and member is null;
  return true;
end $$;

-- Delivery of a module group: retrying after attempt `of_attempt`.
create function events.retry_delivery(of_grp text, of_topic text, of_part int2, held int8, of_segment int4, of_pos int8, of_delivery uuid,
  of_tenant text, of_key text, of_attempt int2, delay_ms float8, of_problem jsonb, entry jsonb) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return false; end if;
  insert into events.delivery as d (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at, first_failed_at, problem, attempts)
    values (of_grp, of_topic, of_part, of_pos, of_segment, of_delivery, of_tenant, of_key, of_attempt,
      clock_timestamp() + delay_ms * interval '1 millisecond', clock_timestamp(), of_problem, jsonb_build_array(entry))
  on conflict (grp, topic, part, pos) do update
    set attempt = excluded.attempt, due_at = excluded.due_at, member = null, lease_until = null, problem = excluded.problem,
      attempts = d.attempts || entry, first_failed_at = coalesce(d.first_failed_at, excluded.first_failed_at);
  return true;
end $$;

-- A handler that runs long: the delivery is leased to its node, so that the cursor can pass.
create function events.lease_delivery(of_grp text, of_topic text, of_part int2, held int8, of_segment int4, of_pos int8, of_delivery uuid,
  of_tenant text, of_key text, of_attempt int2, holder uuid, lease_ms float8) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return false; end if;
  insert into events.delivery as d (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at, member, lease_until)
    values (of_grp, of_topic, of_part, of_pos, of_segment, of_delivery, of_tenant, of_key, of_attempt, clock_timestamp(), holder,
      clock_timestamp() + lease_ms * interval '1 millisecond')
  on conflict (grp, topic, part, pos) do update set member = excluded.member, lease_until = excluded.lease_until, attempt = excluded.attempt;
  return true;
end $$;

create function events.park_deliveries(of_grp text, of_topic text, of_part int2, held int8, of_tenant text, of_key text,
  of_segments int4[], of_positions int8[], of_deliveries uuid[]) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return false; end if;
  insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, due_at)
    select of_grp, of_topic, of_part, p.pos, p.segment, p.delivery_id, of_tenant, of_key, 'infinity'
      from unnest(of_segments, of_positions, of_deliveries) as p (segment, pos, delivery_id)
  on conflict do nothing;
  return true;
end $$;

-- 'lost': not the caller's any more; 'next': another row of the key is due now; 'free': the key is free.
create function events.finish_delivery(of_grp text, of_topic text, of_part int2, held int8, of_pos int8, of_tenant text, of_key text) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return 'lost'; end if;
  delete from events.delivery where grp = of_grp and topic = of_topic and part = of_part and pos = of_pos;
  return case when events.free_next(of_grp, of_topic, of_part, of_tenant, of_key) then 'next' else 'free' end;
end $$;

-- The end of all attempts: dead letter in, delivery out. Answers like finish_delivery.
create function events.bury_delivery(of_grp text, of_topic text, of_part int2, held int8, of_segment int4, of_pos int8, of_delivery uuid, of_tenant text, of_key text,
  of_event text, of_type text, of_envelope text, of_problem jsonb, entry jsonb, of_handler text) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  history jsonb;
  first_at timestamptz;
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return 'lost'; end if;
  delete from events.delivery where grp = of_grp and topic = of_topic and part = of_part and pos = of_pos
    returning attempts, first_failed_at into history, first_at;
  insert into events.dead_letter (delivery_id, tenant_id, grp, topic, part, pos, segment, event_id, type, key, envelope, attempts, problem, handler,
      first_failed_at, dead_at, state)
    values (of_delivery, of_tenant, of_grp, of_topic, of_part, of_pos, of_segment, of_event, of_type, of_key, of_envelope,
      coalesce(history, '[]') || entry, of_problem, of_handler, coalesce(first_at, clock_timestamp()), clock_timestamp(), 'open');
  return case when events.free_next(of_grp, of_topic, of_part, of_tenant, of_key) then 'next' else 'free' end;
end $$;
