-- What a pushed subscription has beside its configuration. Secrets are sealed under the key of the installation; the former one signs too until its end.
create table events.push_targets (
  tenant_id text collate "C" not null, subscription_id uuid primary key references events.subscriptions (id) on delete cascade,
  secret text not null, former_secret text, former_until timestamptz, failing_since timestamptz);

alter table events.push_targets enable row level security;
alter table events.push_targets force row level security;
create policy tenant on events.push_targets for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
create policy bus on events.push_targets for all to soma_bus using (true) with check (true);
grant select, insert, update, delete on events.push_targets to soma_app, soma_worker, soma_bus;

-- Which subscriptions a process has to look after without anybody connecting.
create index on events.subscriptions (id) where config ? 'push';
