-- Erasing a user changes the text of events; erasing a tenant leaves holes, because positions are dense.
grant update (tenant_id, event_id, type, key, user_id, envelope) on events.log to soma_bus;
-- A log that moves to another bus has one segment from then on.
grant update (segment) on events.log to soma_bus;
