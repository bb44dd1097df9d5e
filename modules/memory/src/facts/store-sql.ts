/**
 * By what a fact is the same as one before (MEM-R2): its external id, with or without a slot beside it, else its exclusive slot, else collection and content.
 * A statement each, because one with all of them in a condition would read the whole scope.
 */
export type FactKey = 'external' | 'external-in-slot' | 'slot' | 'content'

const SLOT = 'f.subject = $5 and f.predicate = $6 and f.exclusive'

const OF_SCOPE = 'f.tenant_id = memory.tenant() and f.scope_key = $2'

/** Each names the columns of one index; of two keys each is looked up for itself, since an `or` would read the whole scope where statistics are young. */
const MATCHES: Readonly<Record<FactKey, string>> = {
  external: 'f.external_id = $4',
  'external-in-slot': `f.id = any (array(select f.id from memory.facts f where ${OF_SCOPE} and f.external_id = $4
    union all select f.id from memory.facts f where ${OF_SCOPE} and ${SLOT}))`,
  slot: SLOT,
  content:
    'f.external_id is null and f.collection = $8 and f.content_hash = $11 and not (f.subject is not null and f.exclusive)',
}

const isExternal = (key: FactKey): boolean => key.startsWith('external')

/** When the next value of the slot began: a value from before it enters the past (MEM-R27). */
const nextStart = (key: FactKey): string =>
  key === 'slot'
    ? `select min(f.valid_from) as until from memory.facts f, time
        where not $21 and ${OF_SCOPE} and ${SLOT} and f.status = 'live' and f.valid_from > time.start`
    : 'select null::timestamptz as until'

/**
 * Stores one fact, in one statement: the same is touched; what stands under its key is closed, or superseded where it was never true; a more trusted one stays, and the newcomer is
 * disputed. The caller holds the lock of the key. What is changed is named by id, not joined: a plan made on young statistics joins by reading the tenant.
 *
 * $1 id · $2 scope · $3 owner · $4 external id · $5 subject · $6 predicate · $7 exclusive · $8 collection · $9 form · $10 content · $11 hash · $12 language · $13 tags · $14 metadata ·
 * $15 importance · $16 confidence · $17 trust · $18 valid from · $19 valid to · $20 expires at · $21 corrects · $22 source · $23 dimensions · $24 weights · $25 version of the fact that it follows
 */
const storeSql = (key: FactKey): string => `
with clock as (select date_trunc('milliseconds', statement_timestamp()) as now),
time as (select now, coalesce(date_trunc('milliseconds', $18::timestamptz), now) as start, date_trunc('milliseconds', $19::timestamptz) as stop from clock),
rows as materialized (
  select f.id, f.status, f.trust, f.valid_from, f.valid_to, f.content_hash = $11::bytea${isExternal(key) ? ' and f.external_id is not distinct from $4' : ''} as equal
  from memory.facts f, time
  where ${OF_SCOPE} and ${MATCHES[key]} and f.status in ('live', 'disputed')
    and (f.valid_to is null or f.valid_from = time.start or f.valid_to = time.stop)),
next as (${nextStart(key)}),
rival as (select r.id from rows r, next where not r.equal and r.status = 'live' and r.valid_to is null and r.trust > $17 and next.until is null limit 1),
same as (
  update memory.facts f set updated_at = time.now, importance = greatest(f.importance, $15), confidence = greatest(f.confidence, $16),
    tags = coalesce((select array_agg(distinct x) from unnest(f.tags || $13::text[]) x), '{}')
  from time
  where f.tenant_id = memory.tenant() and f.id = (select id from rows where equal order by valid_to is null desc, id limit 1)
  returning f.id, f.version, f.status),
old as (
  update memory.facts f set updated_at = time.now, superseded_by = $1, valid_to = greatest(f.valid_from, time.start), closed_at = time.now,
    status = case when $21 or f.external_id = $4 then 'superseded' else 'live' end,
    superseded_at = case when $21 or f.external_id = $4 then time.now end
  from time
  where f.tenant_id = memory.tenant() and f.id = any (array(
    select r.id from rows r, next where not r.equal and r.status = 'live' and r.valid_to is null and next.until is null))
    and not exists (select from same) and not exists (select from rival)
  returning f.id, f.version, f.status = 'superseded' or time.start <= time.now as is_past),
node as (
  insert into memory.nodes (tenant_id, id, scope_key, owner_id, kind)
  select memory.tenant(), $1, $2, $3, 'fact' where not exists (select from same) returning id),
stored as (
  insert into memory.facts (tenant_id, id, scope_key, owner_id, collection, form, status, external_id, subject, predicate, exclusive, content, content_hash, language, tags, metadata,
    importance, confidence, trust, valid_from, valid_to, closed_at, recorded_at, source_id, version, expires_at, updated_at)
  select memory.tenant(), node.id, $2, $3, $8, $9, case when exists (select from rival) then 'disputed' else 'live' end, $4, $5, $6, $7, $10, $11, $12, $13, $14::jsonb,
    $15, $16, $17, time.start, coalesce(time.stop, next.until), case when coalesce(time.stop, next.until) is not null then time.now end, time.now, $22,
    (select greatest(coalesce(max(version), 0), $25::int4) + 1 from old), $20, time.now
  from node, time, next
  returning id, version, status, valid_to),
words as (
  insert into memory.item_terms (tenant_id, item_id, scope_key, owner_id, kind, live, at, terms, weights)
  select memory.tenant(), stored.id, $2, $3, 'fact', stored.status = 'live' and (stored.valid_to is null or stored.valid_to > time.now), time.now,
    memory.scoped_terms(memory.tenant(), $2, $23::int4[]), $24::sparsevec
  from stored, time returning item_id),
past as (
  update memory.item_terms x set live = false
  where x.tenant_id = memory.tenant() and x.item_id = any (array(select old.id from old where old.is_past)) returning x.item_id)
select coalesce(stored.id, same.id) as id, coalesce(stored.version, same.version) as version, coalesce(stored.status, same.status) as status, stored.id is not null as is_new,
  (select id from rival) as rival_id, coalesce((select array_agg(id order by id) from old), '{}') as replaced, (select count(*) from past) as past
from (select 1) one left join stored on true left join same on true`

export const STORE_SQL: Readonly<Record<FactKey, string>> = {
  external: storeSql('external'),
  'external-in-slot': storeSql('external-in-slot'),
  slot: storeSql('slot'),
  content: storeSql('content'),
}
