-- Sub-tasks of a plan: what a hierarchy of thousands of plans asks of each.
create index on tracker.tasks (tenant_id, plan_id, sort_at, id) where parent_id is not null;
