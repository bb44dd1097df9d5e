-- A principal bound to a space sees that space alone, and what a plan shows to the whole tenant. A user's name in another space is somebody else.
drop policy visible on tracker.plans;
create policy visible on tracker.plans as restrictive for select to soma_app using (
  visibility = 'tenant'
  or (visibility = 'space' and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or (user_id = (select nullif(current_setting('soma.user_id', true), '')) and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or ((select coalesce(current_setting('soma.space_id', true), '')) in ('', space_id)
    and ((select current_setting('soma.plan_read_all', true)) = 'on'
      or (owner_id = (select nullif(current_setting('soma.principal_id', true), ''))
        and (user_id is null or (select nullif(current_setting('soma.user_id', true), '')) is null))))
);

-- Whose a gate is: anybody may wait for any gate by its id, and learns of one that is not his plan's nothing but that.
alter table tracker.gates add column space_id text not null default '', add column user_id text, add column plan_id uuid;
alter table tracker.correlations add column space_id text not null default '';
update tracker.correlations c set space_id = p.space_id from tracker.plans p where p.tenant_id = c.tenant_id and p.id = c.plan_id;

-- Since when a task waits: the lists of blockers read in this order.
alter table tracker.tasks add column since_at timestamptz;
update tracker.tasks set since_at = date_trunc('milliseconds', coalesce((doc -> 'waiting' ->> 'sinceAt')::timestamptz, as_of));
alter table tracker.tasks alter column since_at set not null;
create index on tracker.tasks (tenant_id, since_at, id) where status in ('pending', 'waiting', 'delegated');
create index on tracker.tasks (tenant_id, plan_id, since_at, id) where status in ('pending', 'waiting', 'delegated');
drop index tracker.tasks_tenant_id_plan_id_idx;
create index on tracker.tasks (tenant_id, plan_id) where status = 'running' and parent_id is not null;
