-- Gates: a durable wait for a decision. A gate and its votes are rows; the outcome and its event commit together, so a gate is decided once.
create schema governance;
grant usage on schema governance to soma_app, soma_worker, soma_scheduler;

-- payload is canonical JSON as text: what is hashed, shown, approved and executed are the same bytes.
-- decider_roles, decider_principals and anyone repeat what requirements say, for the filter `mine`.
create table governance.gates (
  tenant_id text not null, id uuid not null, change_seq int8 not null, open_digest text not null,
  kind text not null, title text not null, status text not null default 'open', outcome text,
  subject jsonb not null, plan_id text, task_id text,
  requirements jsonb not null, reject_policy text not null, decider_roles jsonb not null, decider_principals jsonb not null, anyone boolean not null,
  payload text not null, payload_hash text not null, original_hash text not null, edit_schema text, evidence text not null,
  requester_id text not null, round int4 not null default 1, max_revisions int4 not null, instructions text,
  opened_at timestamptz not null, due_at timestamptz not null, on_expire text not null, escalation jsonb not null, escalated int4 not null default 0,
  decided_at timestamptz, decided_by jsonb not null default '[]', comments jsonb not null default '[]',
  primary key (tenant_id, id),
  check (status in ('open', 'approved', 'rejected', 'revise', 'expired', 'cancelled')),
  check ((status = 'open') = (outcome is null)));
create index on governance.gates (tenant_id, opened_at desc, id desc);
create index on governance.gates (tenant_id, change_seq);
create index on governance.gates (tenant_id, plan_id, opened_at desc) where plan_id is not null;
create index on governance.gates (due_at) where status = 'open';

-- A vote keeps what the voter was when voting: the tally needs nothing but these rows.
create table governance.votes (
  tenant_id text not null, gate_id uuid not null, principal_id text not null, round int4 not null,
  decision text not null, reason text not null, payload_hash text not null, edits text,
  roles jsonb not null, is_human boolean not null, at timestamptz not null,
  primary key (tenant_id, gate_id, principal_id, round),
  check (decision in ('approve', 'reject', 'revise', 'abstain')));

-- One row a tenant, locked by every change of a gate: change_seq is dense and in order of commit, so a stream that has seen n has missed nothing below it.
create table governance.gate_counters (tenant_id text primary key, seq int8 not null);

do $$
declare named text;
begin
  foreach named in array array['governance.gates', 'governance.votes', 'governance.gate_counters'] loop
    execute format('alter table %s enable row level security', named);
    execute format('alter table %s force row level security', named);
    execute format('create policy tenant on %s for all to soma_app, soma_worker
      using (tenant_id = (select nullif(current_setting(''soma.tenant_id'', true), '''')))
      with check (tenant_id = (select nullif(current_setting(''soma.tenant_id'', true), '''')))', named);
    execute format('grant select, insert, update on %s to soma_app, soma_worker', named);
  end loop;
end $$;

-- The sweep of due gates sees which gate of which tenant is due, and nothing else of it.
create policy scheduling on governance.gates for select to soma_scheduler using (status = 'open');
grant select (tenant_id, id, status, due_at) on governance.gates to soma_scheduler;
