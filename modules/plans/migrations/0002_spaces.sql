-- The rule of the tracker: a user's name in another space is somebody else, and rights of a principal bound to a space end with that space.
drop policy visible on plans.plans;
create policy visible on plans.plans as restrictive for select to soma_app using (
  visibility = 'tenant'
  or (visibility = 'space' and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or (user_id = (select nullif(current_setting('soma.user_id', true), '')) and space_id = (select coalesce(current_setting('soma.space_id', true), '')))
  or ((select coalesce(current_setting('soma.space_id', true), '')) in ('', space_id)
    and ((select current_setting('soma.plan_read_all', true)) = 'on'
      or (owner_id = (select nullif(current_setting('soma.principal_id', true), ''))
        and (user_id is null or (select nullif(current_setting('soma.user_id', true), '')) is null))))
);
