-- As before, but a row that is due later keeps its time: replays of many dead letters are paced by it.
create or replace function events.free_next(of_grp text, of_topic text, of_part int2, of_tenant text, of_key text) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare lowest int8;
begin
  select d.pos into lowest from events.delivery d
    where d.grp = of_grp and d.topic = of_topic and d.part = of_part and d.tenant_id = of_tenant and d.key = of_key order by d.pos limit 1;
  if lowest is null then return false; end if;
  update events.delivery set due_at = clock_timestamp()
    where grp = of_grp and topic = of_topic and part = of_part and pos = lowest and attempt = 0 and member is null and due_at = 'infinity';
  return true;
end $$;
