-- Takes the oldest rows out of the outbox, in the order in which they enter the log: delayed events that are due first, in due order, then the others by id, which is given in
-- a transaction's last statement. No row = the lease is lost. A row without an id = nothing to take; it says in how many ms the next event is due.
-- Due rows are locked against whoever takes one back at this moment. The settings make it look rows up by their ids, whatever the statistics of a table that is mostly empty
-- say: read whole, with what was deleted since the last vacuum, it cost 1,300 pages for 35 rows.
drop index events.outbox_part_id_idx;
create index on events.outbox (id) where due_at is null;
create function events.take_outbox(lease text, holder uuid, held int8, most int4)
returns table (next_due_ms float8, id int8, topic text, part int2, tenant_id text, event_id text, type text, key text, user_id text, envelope text)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  if not runtime.hold_lease(lease, holder, held) then return; end if;
  return query
    with due as (
      select o.id from events.outbox o where o.due_at <= clock_timestamp() order by o.due_at, o.id limit most for update),
    plain as (
      select o.id from events.outbox o where o.due_at is null order by o.id limit greatest(most - (select count(*) from due), 0)),
    taken as (
      delete from events.outbox o using (select due.id from due union all select plain.id from plain) as w where o.id = w.id returning o.*)
    select null::float8, t.id, t.topic, t.part, t.tenant_id, t.event_id, t.type, t.key, t.user_id, t.envelope
      from taken t order by t.due_at is null, t.due_at, t.id;
  if found then return; end if;
  select extract(epoch from min(o.due_at) - clock_timestamp()) * 1000 into next_due_ms from events.outbox o where o.due_at is not null;
  return next;
end $$;
