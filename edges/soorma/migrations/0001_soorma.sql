create schema soorma;
grant usage on schema soorma to soma_app, soma_worker;

-- what a client of the dialect calls a thing, what it is here, and what it said about it that ours has no word for
create table soorma.records (
  tenant_id text not null,
  space_id text not null,
  -- whose name it is; '' where names are the whole space's
  user_id text not null,
  kind text not null,
  foreign_id text not null,
  own_id text not null,
  detail jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, kind, space_id, user_id, foreign_id)
);
create index on soorma.records (tenant_id, kind, own_id);

grant select, insert, update, delete on soorma.records to soma_app, soma_worker;
alter table soorma.records enable row level security;
alter table soorma.records force row level security;
create policy fence on soorma.records for all to soma_app, soma_worker
  using (
    tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))
    and (select coalesce(current_setting('soma.space_id', true), '')) in ('', space_id)
  )
  with check (
    tenant_id = (select nullif(current_setting('soma.tenant_id', true), ''))
    and space_id = (select coalesce(current_setting('soma.space_id', true), ''))
  );
