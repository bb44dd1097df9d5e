-- A dead letter that is delivered again brings its event along: edited, or gone from the log since. Null = the event is the log's.
alter table events.delivery add column envelope text;
-- Owners of a module group look for replays whose notice was lost.
create index on events.delivery (grp) where replay_id is not null;

-- As before, and the dead letter of a replay is at its end.
create or replace function events.finish_delivery(of_grp text, of_topic text, of_part int2, held int8, of_pos int8, of_tenant text, of_key text) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare done events.delivery;
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return 'lost'; end if;
  delete from events.delivery where grp = of_grp and topic = of_topic and part = of_part and pos = of_pos returning * into done;
  if done.replay_id is not null then
    update events.dead_letter set state = 'replayed' where delivery_id = done.delivery_id and state = 'replaying';
  end if;
  return case when events.free_next(of_grp, of_topic, of_part, of_tenant, of_key) then 'next' else 'free' end;
end $$;

-- As before, and a replay that dies is the same dead letter again, with the attempts of all its lives and the event that was delivered last.
create or replace function events.bury_delivery(of_grp text, of_topic text, of_part int2, held int8, of_segment int4, of_pos int8, of_delivery uuid, of_tenant text, of_key text,
  of_event text, of_type text, of_envelope text, of_problem jsonb, entry jsonb, of_handler text) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  history jsonb;
  first_at timestamptz;
begin
  if not events.owns(of_grp, of_topic, of_part, held) then return 'lost'; end if;
  delete from events.delivery where grp = of_grp and topic = of_topic and part = of_part and pos = of_pos
    returning attempts, first_failed_at into history, first_at;
  insert into events.dead_letter as dead (delivery_id, tenant_id, grp, topic, part, pos, segment, event_id, type, key, envelope, attempts, problem, handler,
      first_failed_at, dead_at, state)
    values (of_delivery, of_tenant, of_grp, of_topic, of_part, of_pos, of_segment, of_event, of_type, of_key, of_envelope,
      coalesce(history, '[]') || entry, of_problem, of_handler, coalesce(first_at, clock_timestamp()), clock_timestamp(), 'open')
  on conflict (delivery_id) do update set state = 'open', resolution = null, attempts = dead.attempts || excluded.attempts, problem = excluded.problem,
    dead_at = excluded.dead_at, event_id = excluded.event_id, envelope = excluded.envelope;
  return case when events.free_next(of_grp, of_topic, of_part, of_tenant, of_key) then 'next' else 'free' end;
end $$;
