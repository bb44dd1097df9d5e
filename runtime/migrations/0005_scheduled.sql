-- Delayed events of a tenant are listed and taken back by their id until they are due.
create index on events.outbox (tenant_id, event_id) where due_at is not null;
