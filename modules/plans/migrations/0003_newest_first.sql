-- Lists are newest first; ids made in handlers are derived and say nothing about that.
create index on plans.plans (tenant_id, created_at desc, id desc);
create index on plans.tasks (tenant_id, plan_id, ord desc);
