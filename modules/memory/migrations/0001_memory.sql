do $$ begin
  if to_regtype('sparsevec') is null then
    raise exception 'memory needs the extension pgvector 0.8 or newer in this database'
      using errcode = '0A000', hint = 'Install pgvector on the server and run, as an administrator: create extension vector';
  end if;
end $$;
create schema memory;
grant usage on schema memory to soma_app, soma_worker, soma_scheduler;

create function memory.tenant() returns text language sql stable as $$ select nullif(current_setting('soma.tenant_id', true), '') $$;
create function memory.owner() returns text language sql stable as $$ select nullif(current_setting('soma.memory_owner', true), '') $$;
create function memory.manager() returns boolean language sql stable as $$ select coalesce(current_setting('soma.memory_manager', true), '') = 'on' $$;
create function memory.reads() returns text[] language sql stable as $$ select coalesce(nullif(current_setting('soma.memory_reads', true), ''), '{}')::text[] $$;
create function memory.writes() returns text[] language sql stable as $$ select coalesce(nullif(current_setting('soma.memory_writes', true), ''), '{}')::text[] $$;
-- A space or user id inside a scope key: what separates the parts is escaped.
create function memory.encoded(part text) returns text language sql immutable as $$ select replace(replace(part, '%', '%25'), '/', '%2F') $$;
-- A term of a scope: an index of them is then one of the tenant and scope too, and its operators need no second column.
create function memory.scoped_terms(tenant text, scope text, dimensions int[]) returns int[] language sql immutable as
  $$ select coalesce(array_agg((hashtextextended(tenant || '/' || scope, d) & 2147483647)::int4 order by i), '{}') from unnest(dimensions) with ordinality u(d, i) $$;

-- Opens the scopes of the caller in this transaction: its own, its space's and the tenant's, and those of plans that the module plans has shown to it.
create function memory.enter(p_plans text[], p_written_plans text[], p_publish boolean, p_manager boolean) returns text[]
language plpgsql set search_path = memory, pg_temp as $f$
declare
  space text := memory.encoded(coalesce(current_setting('soma.space_id', true), ''));
  person text := memory.encoded(coalesce(nullif(current_setting('soma.user_id', true), ''), nullif(current_setting('soma.principal_id', true), '')));
  own text[]; wide text[]; r text[]; w text[];
begin
  if memory.tenant() is null or person is null then raise exception 'tenant and principal are required' using errcode = '42501'; end if;
  own := array['user:' || space || '/' || person];
  wide := array_remove(array['tenant', 'space:' || nullif(space, '')], null);
  r := own || wide || array(select 'plan:' || p from unnest(p_plans) p);
  w := own || array(select 'plan:' || p from unnest(p_written_plans) p) || case when p_publish then wide else '{}' end;
  perform set_config('soma.memory_owner', space || '/' || person, true), set_config('soma.memory_manager', case when p_manager then 'on' else '' end, true),
    set_config('soma.memory_reads', r::text, true), set_config('soma.memory_writes', w::text, true);
  return r;
end $f$;

-- Whatever a link may touch. Everything of an item goes with its node.
create table memory.nodes (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  kind text not null check (kind in ('fact', 'episode')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index on memory.nodes (tenant_id, scope_key);

create table memory.sources (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  kind text not null check (kind in ('human', 'agent', 'tool', 'document', 'event', 'import', 'consolidation')),
  ref text not null,
  actor text,
  trace_id text,
  correlation_id text,
  decision_id text,
  constitution_hash text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, scope_key, kind, ref)
);

create table memory.facts (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  collection text not null default 'default',
  form text not null default 'statement' check (form in ('statement', 'passage', 'summary')),
  status text not null default 'live' check (status in ('live', 'superseded', 'disputed')),
  external_id text,
  subject text,
  predicate text,
  exclusive boolean not null default true,
  content text not null,
  content_hash bytea not null,
  language text not null default 'en',
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  importance float8 not null default 0.5,
  confidence float8 not null default 1,
  trust int2 not null,
  -- World time, and when we learnt of its end; system time is recorded_at to superseded_at.
  valid_from timestamptz not null,
  valid_to timestamptz,
  closed_at timestamptz,
  recorded_at timestamptz not null,
  superseded_at timestamptz,
  superseded_by uuid,
  source_id uuid,
  version int4 not null default 1,
  expires_at timestamptz,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, id) references memory.nodes on delete cascade,
  foreign key (tenant_id, source_id) references memory.sources on delete set null (source_id),
  check ((subject is null) = (predicate is null)),
  check ((status = 'superseded') = (superseded_at is not null)),
  check (valid_to >= valid_from)
) with (fillfactor = 80);
create unique index facts_external on memory.facts (tenant_id, scope_key, external_id) where status = 'live' and external_id is not null and valid_to is null;
create unique index facts_slot on memory.facts (tenant_id, scope_key, subject, predicate) where status = 'live' and exclusive and valid_to is null;
create unique index facts_content on memory.facts (tenant_id, scope_key, collection, content_hash)
  where status = 'live' and external_id is null and valid_to is null and not (subject is not null and exclusive);
create index on memory.facts (tenant_id, scope_key, recorded_at, id);
create index on memory.facts (tenant_id, scope_key, external_id) where external_id is not null;
create index on memory.facts (tenant_id, scope_key, subject, predicate) where subject is not null;
create index on memory.facts (tenant_id, source_id) where source_id is not null;

create table memory.episodes (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  agent_id text not null,
  session_id text,
  plan_id text,
  task_id text,
  seq int8 generated always as identity,
  role text not null check (role in ('user', 'assistant', 'system', 'tool', 'event', 'summary')),
  content text not null,
  content_hash bytea not null,
  language text not null default 'en',
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  importance float8 not null default 0.5,
  trust int2 not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  source_id uuid,
  -- True when the caller named the source: its replay is then the same episode.
  replayable boolean not null,
  expires_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, id) references memory.nodes on delete cascade,
  foreign key (tenant_id, source_id) references memory.sources on delete set null (source_id)
);
create unique index episodes_replay on memory.episodes (tenant_id, source_id) where replayable;
create index on memory.episodes (tenant_id, source_id) where source_id is not null;
create index on memory.episodes (tenant_id, scope_key, agent_id, occurred_at, seq);
create index on memory.episodes (tenant_id, scope_key, occurred_at, seq);
create index on memory.episodes (tenant_id, session_id, seq) where session_id is not null;
create index on memory.episodes (tenant_id, plan_id, seq) where plan_id is not null;

-- The lexical index of items of all kinds: what recall reads before it reads the items themselves under their policies.
create table memory.item_terms (
  tenant_id text not null,
  item_id uuid not null,
  scope_key text not null,
  owner_id text not null,
  kind text not null,
  -- False once the item left the current view: the row of the item decides, this only saves work.
  live boolean not null default true,
  -- True when its words are in the lexicon.
  counted boolean not null default false,
  at timestamptz not null,
  terms int4[] not null,
  weights sparsevec(1048576) not null,
  primary key (tenant_id, item_id),
  foreign key (tenant_id, item_id) references memory.nodes on delete cascade
) with (fillfactor = 80);
create index on memory.item_terms using gin (terms) with (fastupdate = off) where live;
create index on memory.item_terms (tenant_id, scope_key, at);

create table memory.lexicon (
  tenant_id text not null,
  scope_key text not null,
  term text collate "C" not null,
  mirrored text collate "C" generated always as (reverse(term)) stored,
  documents int4 not null,
  primary key (tenant_id, scope_key, term)
) with (fillfactor = 70);
create index on memory.lexicon (tenant_id, scope_key, mirrored);

create table memory.scope_counts (
  tenant_id text not null,
  scope_key text not null,
  kind text not null,
  items int8 not null,
  bytes int8 not null,
  primary key (tenant_id, scope_key, kind)
) with (fillfactor = 50);

create table memory.working_items (
  tenant_id text not null,
  scope_key text not null,
  owner_id text not null,
  key text collate "C" not null,
  value jsonb not null,
  keep boolean not null default false,
  version int8 not null default 1,
  writer text not null,
  bytes int4 not null,
  updated_at timestamptz not null default now(),
  expires_at timestamptz,
  primary key (tenant_id, scope_key, key)
) with (fillfactor = 70);
create index on memory.working_items (expires_at) where expires_at is not null;

-- Scopes that take no writes any more: of plans that ended.
create table memory.closed_scopes (
  tenant_id text not null,
  scope_key text not null,
  reason text not null,
  closed_at timestamptz not null default now(),
  -- When what is still in it goes; null once it has gone.
  purge_at timestamptz,
  primary key (tenant_id, scope_key)
);
create index on memory.closed_scopes (purge_at) where purge_at is not null;

create table memory.links (
  tenant_id text not null,
  id uuid not null,
  scope_key text not null,
  owner_id text not null,
  from_id uuid not null,
  relation text not null,
  to_id uuid not null,
  strength float8 not null default 1 check (strength > 0 and strength <= 1),
  properties jsonb not null default '{}',
  valid_from timestamptz not null default now(),
  valid_to timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, from_id) references memory.nodes on delete cascade,
  foreign key (tenant_id, to_id) references memory.nodes on delete cascade,
  check (from_id <> to_id)
);
create unique index links_once on memory.links (tenant_id, from_id, relation, to_id) where valid_to is null;
create index on memory.links (tenant_id, from_id) include (to_id, strength, valid_to);
create index on memory.links (tenant_id, to_id);

grant select, insert, update, delete on memory.nodes, memory.sources, memory.facts, memory.episodes, memory.item_terms, memory.working_items, memory.links to soma_app, soma_worker;
grant select on memory.lexicon, memory.scope_counts, memory.closed_scopes to soma_app;
grant select, insert, update, delete on memory.lexicon, memory.scope_counts, memory.closed_scopes to soma_worker;
grant select (tenant_id, expires_at) on memory.working_items to soma_scheduler;
grant select (tenant_id, purge_at) on memory.closed_scopes to soma_scheduler;
create policy sweeping on memory.working_items for select to soma_scheduler using (expires_at is not null);
create policy sweeping on memory.closed_scopes for select to soma_scheduler using (purge_at is not null);

do $$
declare
  name text;
  mine constant text := 'scope_key = any ((select memory.writes())::text[])
    and (split_part(scope_key, '':'', 1) not in (''tenant'', ''space'') or owner_id = (select memory.owner()) or (select memory.manager()))';
begin
  foreach name in array array['nodes', 'sources', 'facts', 'episodes', 'item_terms', 'lexicon', 'scope_counts', 'working_items', 'closed_scopes', 'links'] loop
    execute format('alter table memory.%I enable row level security', name);
    execute format('alter table memory.%I force row level security', name);
    execute format('create policy tenant_fence on memory.%I as restrictive for all to soma_app, soma_worker
      using (tenant_id = (select memory.tenant())) with check (tenant_id = (select memory.tenant()))', name);
    execute format('create policy worker_all on memory.%I for all to soma_worker using (true) with check (true)', name);
    execute format('create policy scope_read on memory.%I for select to soma_app using (scope_key = any ((select memory.reads())::text[]))', name);
  end loop;
  foreach name in array array['nodes', 'sources', 'facts', 'episodes', 'item_terms', 'working_items', 'links'] loop
    execute format('create policy scope_insert on memory.%I for insert to soma_app with check (%s)', name, mine);
    execute format('create policy scope_update on memory.%I for update to soma_app using (%s) with check (%s)', name, mine, mine);
    execute format('create policy scope_delete on memory.%I for delete to soma_app using (%s)', name, mine);
  end loop;
end $$;
-- Foreign keys pass by policies, so a link could name a hidden node.
create policy ends_seen on memory.links as restrictive for insert to soma_app with check (
  exists (select from memory.nodes n where n.tenant_id = links.tenant_id and n.id = links.from_id)
  and exists (select from memory.nodes n where n.tenant_id = links.tenant_id and n.id = links.to_id));
-- The search function runs as the owner of the schema, whom the forced policies let read these two tables and nothing else.
create policy search_read on memory.item_terms for select to soma_owner using (true);
create policy search_read on memory.scope_counts for select to soma_owner using (true);

-- The best items by words, or without words the newest, of the scopes that this transaction has entered. Operators of arrays are not leakproof, so under policies
-- their index would be useless: here tenant and scope are conditions instead. A scope of at most p_exact_limit items is read whole, a larger one through the index.
create function memory.search(p_dimensions int[], p_shares float8[], p_weights sparsevec, p_rare int[], p_kinds text[], p_scopes text[], p_past boolean, p_pool int, p_exact_limit int8)
returns table (id uuid, kind text, overlap float8, share float8)
language plpgsql stable security definer set search_path = memory, public, pg_temp as $f$
declare
  t text := memory.tenant();
  rd text[] := memory.reads();
  small text[]; big text[]; rare int[] := '{}';
begin
  if t is null then raise exception 'soma.tenant_id is not set' using errcode = '42501'; end if;
  if p_scopes is not null then rd := array(select unnest(rd) intersect select unnest(p_scopes)); end if;
  if p_weights is null then
    return query select s.item_id, s.kind, 0::float8, 0::float8 from item_terms s
      where s.tenant_id = t and s.scope_key = any (rd) and s.kind = any (p_kinds) and (s.live or p_past) order by s.at desc, s.item_id limit p_pool;
    return;
  end if;
  select coalesce(array_agg(k) filter (where p_past or coalesce(c.items, 0) <= p_exact_limit), '{}'), coalesce(array_agg(k) filter (where not p_past and c.items > p_exact_limit), '{}')
    into small, big
    from unnest(rd) k left join lateral (select sum(n.items)::int8 as items from scope_counts n where n.tenant_id = t and n.scope_key = k) c on true;
  if big <> '{}' then select array_agg(x) into rare from unnest(big) k, unnest(scoped_terms(t, k, p_rare)) x; end if;
  return query
    with found as (
      (select s.item_id, s.kind, s.scope_key, s.terms, (s.weights <#> p_weights) as distance from item_terms s
        where s.tenant_id = t and s.scope_key = any (small) and s.kind = any (p_kinds) and (s.live or p_past) and (s.weights <#> p_weights) < 0
        order by 5, 1 limit p_pool)
      union all
      (select s.item_id, s.kind, s.scope_key, s.terms, (s.weights <#> p_weights) from item_terms s
        where big <> '{}' and s.live and s.terms && rare and s.tenant_id = t and s.scope_key = any (big) and s.kind = any (p_kinds)
        order by 5, 1 limit p_pool))
    select f.item_id, f.kind, -f.distance,
        (select coalesce(sum(q.s), 0) from unnest(scoped_terms(t, f.scope_key, p_dimensions), p_shares) q(d, s) where q.d = any (f.terms))
      from found f order by f.distance, f.item_id limit p_pool;
end $f$;
-- Items of the whole tenant, other people's too: what a limit of the tenant is compared with.
create function memory.tenant_items() returns int8 language sql stable security definer set search_path = memory, pg_temp as
  $$ select coalesce(sum(items), 0)::int8 from scope_counts where tenant_id = memory.tenant() $$;
revoke all on function memory.search, memory.tenant_items from public;
grant execute on function memory.search, memory.tenant_items to soma_app;
