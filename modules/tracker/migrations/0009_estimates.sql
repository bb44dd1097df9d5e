-- How long such tasks took, newest first: what ends are estimated from.
create index on tracker.tasks (tenant_id, (coalesce(doc ->> 'type', doc ->> 'capability')), ended_at) where status = 'completed';
