-- What the first start of an installation fixed for all its processes. A process with other settings refuses to start: keys would move between partitions, or events
-- between logs. One row.
create table events.installation (
  singleton boolean primary key default true check (singleton), bus text not null, partitions int2 not null,
  started_at timestamptz not null default clock_timestamp());

-- An installation that ran before this table did has its events in the Postgres log.
do $$
begin
  if to_regclass('events.partition') is not null then
    insert into events.installation (bus, partitions) select 'postgres', max(part) + 1 from events.partition having count(*) > 0;
  end if;
end $$;
