-- how long this instance lives after a sign of life; null: as long as the setting says
alter table registry.instances add column lease_ms int;
grant select (lease_ms) on registry.instances to soma_scheduler;
