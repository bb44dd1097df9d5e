-- The same promise as before, in one statement for a batch. One by one, each event of a batch walked the versions of the partition's row that the earlier ones had left,
-- which nothing can prune before the commit: the cost of an event grew with the batch.
create or replace function events.append(topics text[], parts int2[], tenants text[], event_ids text[], types text[], keys text[], users text[], envelopes text[])
returns table (segment int4, pos int8, recorded_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  total int4 := cardinality(topics);
  found_total int4;
begin
  if total = 1 then
    update events.partition p set head = p.head + 1, last_at = greatest(clock_timestamp(), p.last_at)
      where p.topic = topics[1] and p.part = parts[1] returning p.segment, p.head, p.last_at into segment, pos, recorded_at;
    if not found then
      raise exception 'event log has no partition % of topic "%"', parts[1], topics[1] using errcode = 'foreign_key_violation';
    end if;
    insert into events.log (topic, part, segment, pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope)
      values (topics[1], parts[1], segment, pos, recorded_at, tenants[1], event_ids[1], types[1], keys[1], users[1], envelopes[1]);
    return next;
    return;
  end if;
  perform from events.partition p
    where (p.topic, p.part) in (select distinct * from unnest(topics, parts))
    order by p.topic, p.part for no key update;
  return query
    with wanted as (
      select w.*, row_number() over (partition by w.topic, w.part order by w.idx) as place
        from unnest(topics, parts, tenants, event_ids, types, keys, users, envelopes) with ordinality
          as w (topic, part, tenant_id, event_id, type, key, user_id, envelope, idx)),
    moved as (
      update events.partition p set head = p.head + c.count, last_at = greatest(clock_timestamp(), p.last_at)
        from (select w.topic, w.part, count(*) as count from unnest(topics, parts) as w (topic, part) group by w.topic, w.part) as c
        where p.topic = c.topic and p.part = c.part
        returning p.topic, p.part, p.segment, p.head - c.count as before, p.last_at),
    placed as (
      select w.*, m.segment, m.before + w.place as pos, m.last_at from wanted w join moved m on m.topic = w.topic and m.part = w.part),
    written as (
      insert into events.log (topic, part, segment, pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope)
        select p.topic, p.part, p.segment, p.pos, p.last_at, p.tenant_id, p.event_id, p.type, p.key, p.user_id, p.envelope
        from placed p order by p.topic, p.part, p.pos)
    select p.segment, p.pos, p.last_at from placed p order by p.idx;
  get diagnostics found_total = row_count;
  if found_total < total then
    raise exception 'event log lacks a partition of topics %', (select string_agg(distinct t, ', ') from unnest(topics) t) using errcode = 'foreign_key_violation';
  end if;
end $$;
