-- A principal bound to a space sees that space alone: of dead letters those of subscriptions that it sees. What modules could not handle is of no space.
create policy space on events.dead_letter as restrictive for all to soma_app
  using (coalesce((select current_setting('soma.space_id', true)), '') = ''
    or exists (select from events.subscriptions s where 'sub:' || s.id = left(grp, 40)));
