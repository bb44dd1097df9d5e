-- A log outside the database is copied here, for what asks by attribute; what the bus has dropped goes from the copy.
grant delete on events.log to soma_bus;
grant update (tail) on events.partition to soma_bus;
