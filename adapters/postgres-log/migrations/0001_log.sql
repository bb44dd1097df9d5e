-- The event log on Postgres and PGlite: an append-only table by topic and segment, with dense positions given under the partition's row lock.

create table events.partition (
  topic text collate "C", part int2, head int8 not null default 0, tail int8 not null default 1, segment int4 not null,
  last_at timestamptz not null default '-infinity', primary key (topic, part)) with (fillfactor = 20);

create table events.segment (
  topic text collate "C", segment int4, opened_at timestamptz, closed_at timestamptz, primary key (topic, segment));

create table events.log (
  topic text collate "C" not null, part int2 not null, segment int4 not null, pos int8 not null,
  recorded_at timestamptz not null, tenant_id text collate "C" not null, event_id text collate "C" not null,
  type text collate "C" not null, key text collate "C" not null, user_id text, envelope text not null,
  primary key (topic, part, segment, pos)) partition by list (topic);
create index on events.log (tenant_id, part, pos);
create index on events.log (tenant_id, event_id);

alter table events.log enable row level security;
alter table events.log force row level security;
create policy tenant on events.log for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on events.log for all to soma_bus using (true) with check (true);
-- Rights on the whole log only: its partitions cannot be reached around the policies.
grant select, insert on events.log to soma_app, soma_worker, soma_bus;
grant select, update (head, last_at) on events.partition to soma_app, soma_worker, soma_bus;
grant select on events.segment to soma_app, soma_worker, soma_bus;

create function events.segment_table(of_topic text, of_segment int4) returns text language sql immutable
  as $$ select 'log_' || replace(of_topic, '-', '_') || '_' || of_segment $$;

-- Owner only. Creates the table of a segment that events.partition may be raised to later.
create function events.create_segment(of_topic text, of_segment int4) returns void language plpgsql as $$
declare named text := events.segment_table(of_topic, of_segment);
begin
  execute format('create table if not exists events.%I partition of events.%I for values from (%s) to (%s)',
    named, 'log_' || replace(of_topic, '-', '_'), of_segment, of_segment + 1);
  execute format('alter table events.%I enable row level security', named);
  execute format('alter table events.%I force row level security', named);
  insert into events.segment (topic, segment) values (of_topic, of_segment) on conflict do nothing;
end $$;

do $$
declare named text;
begin
  foreach named in array array['action-requests', 'action-results', 'business-facts', 'system-events', 'plan-events', 'task-events',
    'notification-events', 'billing-events', 'conversation', 'memory', 'audit', 'dead-letter'] loop
    execute format('create table events.%I partition of events.log for values in (%L) partition by range (segment)', 'log_' || replace(named, '-', '_'), named);
    perform events.create_segment(named, 1);
    update events.segment set opened_at = clock_timestamp() where topic = named and segment = 1;
  end loop;
end $$;

-- The last statement of a writing transaction. Locks the partitions in (topic, part) order, so that writers cannot deadlock; after it only COMMIT follows, so the
-- order of positions is the order of commits. A rollback gives the numbers back: no gaps. Answers in the order of the arrays.
create function events.append(topics text[], parts int2[], tenants text[], event_ids text[], types text[], keys text[], users text[], envelopes text[])
returns table (segment int4, pos int8, recorded_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  total int4 := cardinality(topics);
  in_segment int4; at_pos int8; at_time timestamptz;
begin
  if total > 1 then
    perform from events.partition p
      where exists (select from unnest(topics, parts) as wanted (topic, part) where wanted.topic = p.topic and wanted.part = p.part)
      order by p.topic, p.part for no key update;
  end if;
  for i in 1 .. total loop
    update events.partition p set head = p.head + 1, last_at = greatest(clock_timestamp(), p.last_at)
      where p.topic = topics[i] and p.part = parts[i]
      returning p.segment, p.head, p.last_at into in_segment, at_pos, at_time;
    if not found then
      raise exception 'event log has no partition % of topic "%"', parts[i], topics[i] using errcode = 'foreign_key_violation';
    end if;
    insert into events.log (topic, part, segment, pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope)
      values (topics[i], parts[i], in_segment, at_pos, at_time, tenants[i], event_ids[i], types[i], keys[i], users[i], envelopes[i]);
    segment := in_segment; pos := at_pos; recorded_at := at_time;
    return next;
  end loop;
end $$;
