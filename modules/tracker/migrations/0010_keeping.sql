-- Whose names and summaries are gone: a rebuild does not bring them back, and facts that come later leave none.
create table tracker.erased_users (
  tenant_id text not null,
  user_id text collate "C" not null,
  at timestamptz not null default statement_timestamp(),
  primary key (tenant_id, user_id)
);
grant select, insert, update on tracker.erased_users to soma_worker;
alter table tracker.erased_users enable row level security;
alter table tracker.erased_users force row level security;
create policy rows on tracker.erased_users for all to soma_app, soma_worker using (true) with check (true);
create policy fence on tracker.erased_users as restrictive for all to soma_app, soma_worker
  using (tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))) with check (tenant_id = (select nullif(current_setting('soma.tenant_id', true), '')));

create index on tracker.plans (tenant_id, user_id) where user_id is not null;
create index on tracker.plans (tenant_id, ended_at) where ended_at is not null;

-- Jobs ask whose rows there are, and nothing else.
create policy sweeping on tracker.timeline for select to soma_scheduler using (true);
create policy sweeping on tracker.plans for select to soma_scheduler using (true);
grant select (tenant_id) on tracker.timeline, tracker.plans to soma_scheduler;
