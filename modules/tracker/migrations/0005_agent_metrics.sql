-- Metrics of agents are counted from rows when they are asked for.
alter table tracker.timeline add column agent text;
create index on tracker.timeline (tenant_id, agent, at) where type = 'task.retried';
create index on tracker.timeline (tenant_id, at) where type = 'delivery.dead-lettered';
create index on tracker.tasks (tenant_id, (doc -> 'agent' ->> 'name'), ended_at) where ended_at is not null;
