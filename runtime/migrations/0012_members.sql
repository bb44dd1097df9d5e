-- Members whose leases have all ended, say after a laptop slept, come back at once. Each holds its own row and would wait for the rows of the others, which it takes for
-- gone: rows that somebody holds are left alone. Otherwise as in 0002.
create or replace function events.hold_partitions(of_grp text, of_topics text[], of_parts int4, claimer uuid, ttl_seconds float8,
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
  delete from runtime.job_leases where name in (
    select l.name from runtime.job_leases l
     where l.name > presence and l.name < 'group/' || of_grp || '0' and l.lease_until < clock_timestamp() for update skip locked);
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
