-- The log on its way to another bus; no process starts meanwhile. One row at most.
create table events.move (
  singleton boolean primary key default true check (singleton), bus text not null, started_at timestamptz not null default clock_timestamp());

-- A log that was moved keeps its positions, though its new bus counts from elsewhere: position = number on the bus + shift. Without a row the shift is 0.
create table events.shift (
  bus text collate "C", topic text collate "C", part int2, shift int8 not null, primary key (bus, topic, part));

grant select, insert, delete on events.move, events.shift to soma_bus;
grant select, update (bus) on events.installation to soma_bus;
