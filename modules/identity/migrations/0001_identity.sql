-- Who is who: tenants, principals, roles, keys, signing keys, revocations. Ids of tenants and principals are opaque text, stored as given.
create schema identity;
grant usage on schema identity to soma_app, soma_worker, soma_scheduler;

create table identity.tenants (
  tenant_id text primary key, slug text not null unique, display_name text not null, status text not null default 'active', region text not null,
  version int4 not null default 1, created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  check (status in ('active', 'suspended', 'deleting', 'deleted')));

-- epoch rises with every change of rights: a token of an older epoch is refused.
create table identity.principals (
  tenant_id text not null, id text not null, space_id text not null default '', kind text not null, status text not null default 'active',
  display_name text not null, email text, owner_id text, epoch int4 not null default 1, expires_at timestamptz, version int4 not null default 1,
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  primary key (tenant_id, id),
  check (kind in ('user', 'agent', 'service', 'guest')), check (status in ('active', 'disabled', 'erased')),
  check (kind in ('user', 'guest') or owner_id is not null));
create unique index on identity.principals (tenant_id, lower(email)) where email is not null;
create index on identity.principals (tenant_id, created_at desc, id desc);

create table identity.roles (
  tenant_id text not null, id uuid not null, name text not null, capabilities jsonb not null, version int4 not null default 1,
  primary key (tenant_id, id), unique (tenant_id, name));

-- role_ref: the name of a built-in role, or the id of one of the tenant's own.
create table identity.bindings (
  tenant_id text not null, id uuid not null, principal_id text not null, role_ref text not null, expires_at timestamptz,
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  primary key (tenant_id, id), unique (tenant_id, principal_id, role_ref),
  foreign key (tenant_id, principal_id) references identity.principals on delete cascade);
create index on identity.bindings (tenant_id, role_ref);

-- id is unique over all tenants: a key is found by it before its tenant is known. Hashes are hexadecimal SHA-256 of the secret.
create table identity.keys (
  tenant_id text not null, id uuid primary key, principal_id text not null, name text not null, scopes jsonb not null,
  secret_hash text not null, previous_hash text, previous_until timestamptz, status text not null default 'active',
  expires_at timestamptz not null, last_used_at timestamptz, version int4 not null default 1,
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  foreign key (tenant_id, principal_id) references identity.principals on delete cascade,
  check (status in ('active', 'revoked')));
create index on identity.keys (tenant_id, created_at desc, id desc);

-- Rows of the tenant platform. private_sealed is AES-256-GCM ciphertext. From active_at the newest key signs; until retired_at it verifies.
create table identity.signing_keys (
  tenant_id text not null, id uuid not null, kid text not null unique, public_jwk jsonb not null, private_sealed text not null,
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()), active_at timestamptz not null, retired_at timestamptz,
  primary key (tenant_id, id));

-- Rows of the tenant platform: the processes whose context tokens are accepted.
create table identity.processes (
  tenant_id text not null, id uuid not null, modules jsonb not null, public_jwk jsonb not null,
  joined_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()), seen_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id));

-- One row of the tenant platform: the one-time code of the first admin, hashed.
create table identity.setup_codes (tenant_id text primary key, code_hash text not null, expires_at timestamptz not null, used_at timestamptz);

create table identity.revocations (
  seq int8 primary key, tenant_id text not null, kind text not null, id text not null,
  at timestamptz not null default date_trunc('milliseconds', clock_timestamp()));
create index on identity.revocations (tenant_id, kind, id);
-- One row for the installation, of no tenant. Locked until the commit, so that seq rises in order of commit and a reader that has seen n has missed nothing below it.
create table identity.revocation_counter (only_one boolean primary key default true check (only_one), seq int8 not null);
insert into identity.revocation_counter (seq) values (0);
grant select, update on identity.revocation_counter to soma_app, soma_worker;

create function identity.tenant() returns text language sql stable parallel safe
  as $$ select nullif(current_setting('soma.tenant_id', true), '') $$;

do $$
declare named text;
begin
  foreach named in array array['tenants', 'principals', 'roles', 'bindings', 'keys', 'signing_keys', 'processes', 'setup_codes', 'revocations'] loop
    execute format('alter table identity.%I enable row level security', named);
    execute format('alter table identity.%I force row level security', named);
    execute format('create policy tenant on identity.%I for all to soma_app, soma_worker
      using (tenant_id = (select identity.tenant())) with check (tenant_id = (select identity.tenant()))', named);
    execute format('grant select, insert, update, delete on identity.%I to soma_app, soma_worker', named);
  end loop;
end $$;

-- The module itself, in the tenant platform, lists all tenants and changes their names; a request never does (role soma_app).
create policy platform on identity.tenants for select to soma_worker using ((select identity.tenant()) = 'platform');
create policy platform_change on identity.tenants for update to soma_worker using ((select identity.tenant()) = 'platform')
  with check ((select identity.tenant()) = 'platform');

-- Before the tenant of a key is known: which tenant it is of, and what its secret is compared with. Nothing else of it.
create policy lookup on identity.keys for select to soma_scheduler using (true);
grant select (tenant_id, id, secret_hash, previous_hash, previous_until) on identity.keys to soma_scheduler;

-- Verifiers read the revocations of all tenants; they hold ids alone.
create policy lookup on identity.revocations for select to soma_scheduler using (true);
grant select on identity.revocations to soma_scheduler;
