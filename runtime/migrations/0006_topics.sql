-- What an operator set for a topic, over the configuration; null = as configured. For all tenants.
create table events.topic_settings (
  topic text collate "C" primary key, retention_ms int8, max_event_bytes int4, changed_at timestamptz not null default clock_timestamp());
grant select, insert, update on events.topic_settings to soma_bus;
