-- The same promise as before, in one statement for a batch: an ack counts where delivery, member and attempt are those of a lease that runs, and once.
-- The settings make it look each delivery up by its id, whatever the statistics of a table that is mostly empty say.
create or replace function events.acknowledge(ids uuid[], members uuid[], tries int2[]) returns table (idx int4)
language sql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with wanted as (
    select *, row_number() over (partition by id, member, attempt order by idx) as time
      from unnest(ids, members, tries) with ordinality as w (id, member, attempt, idx)),
  done as (
    delete from events.delivery d using wanted w
      where w.time = 1 and d.delivery_id = w.id and d.member = w.member and d.attempt = w.attempt and d.lease_until > clock_timestamp()
      returning d.grp, d.topic, d.part, d.pos, d.tenant_id, d.delivery_id, d.member, d.attempt, d.replay_id, w.idx),
  remembered as (
    insert into events.settled (grp, topic, part, pos, tenant_id, delivery_id, member, attempt)
      select grp, topic, part, pos, tenant_id, delivery_id, member, attempt from done order by grp, topic, part, pos
      on conflict (grp, topic, part, pos) do update set member = excluded.member, attempt = excluded.attempt, settled_at = excluded.settled_at),
  replayed as (
    update events.dead_letter l set state = 'replayed' from done d where d.replay_id is not null and l.delivery_id = d.delivery_id and l.state = 'replaying')
  select w.idx::int4 from wanted w where not exists (select from done d where d.idx = w.idx)
$$;
