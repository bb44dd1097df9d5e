-- Finds a fact by its content whatever its state: the unique index knows the live ones alone.
create index on memory.facts (tenant_id, scope_key, content_hash);
