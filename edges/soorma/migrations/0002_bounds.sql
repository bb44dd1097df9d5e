-- Lists are the newest first.
create index on soorma.records (tenant_id, kind, space_id, user_id, updated_at desc, foreign_id);

-- A schema's versions are found by its name. The table's owner is under its policies, too: they are lifted for the change.
alter table soorma.records no force row level security;
update soorma.records set own_id = detail ->> 'schemaName' where kind = 'schema';
alter table soorma.records force row level security;
