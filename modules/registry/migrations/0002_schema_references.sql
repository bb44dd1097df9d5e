-- a schema with every registered schema that it refers to inside; null where it refers to none
alter table registry.schemas add column bundled jsonb;
alter table registry.event_definitions add column response_bundled jsonb;
