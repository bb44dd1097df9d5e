import type { JsonSchema, SqlSession } from '@soma/kernel'
import type { DocumentedEvent } from '../../contract/asyncapi.ts'

export interface DefinitionRow {
  readonly tenant_id: string
  readonly topic: string
  readonly type: string
  readonly version: string
  readonly version_order: string
  readonly kind: 'request' | 'reply' | 'fact'
  readonly description: string
  readonly purpose: string | null
  readonly schema_name: string
  readonly schema_version: string
  readonly response_type: string | null
  readonly response_topic: string | null
  readonly response_schema: Record<string, unknown> | null
  /** Of an inline reply with all that it refers to; null where it refers to nothing. */
  readonly response_bundled: JsonSchema | null
  readonly side_effects: 'none' | 'reversible' | 'irreversible'
  readonly examples: unknown[]
  readonly tags: string[]
  readonly status: 'draft' | 'active' | 'deprecated' | 'retired'
  readonly owner_id: string
  readonly owner_agent: string | null
  readonly replaced_by: string | null
  readonly sunset_at: Date | null
  readonly digest: string
  readonly created_at: Date
}

export interface DefinitionView extends DefinitionRow {
  readonly json_schema: boolean | Record<string, unknown>
  readonly bundled: Record<string, unknown> | null
  readonly consumers: number
  readonly producers: number
}

export interface DefinitionInsert {
  readonly topic: string
  readonly type: string
  readonly version: string
  readonly version_order: string
  readonly kind: string
  readonly description: string
  readonly purpose: string | null
  readonly schema_name: string
  readonly schema_version: string
  readonly response_type: string | null
  readonly response_topic: string | null
  readonly response_schema: unknown
  readonly response_bundled?: unknown
  readonly side_effects: string
  readonly examples: readonly unknown[]
  readonly tags: readonly string[]
  readonly owner_agent: string | null
  readonly digest: string
}

type Wanted = { readonly topic: string; readonly type: string; readonly version: string }

export const selectDefinitions = (session: SqlSession, wanted: readonly Wanted[]) =>
  session.query<DefinitionRow>(
    `select d.* from jsonb_to_recordset($1::jsonb) as wanted(topic text, type text, version text)
     join registry.event_definitions d
       on d.topic = wanted.topic and d.type = wanted.type and d.version = wanted.version`,
    [JSON.stringify(wanted)],
  )

export type PromiseRow = Pick<
  DefinitionView,
  | 'tenant_id'
  | 'topic'
  | 'type'
  | 'version'
  | 'kind'
  | 'response_type'
  | 'response_topic'
  | 'response_schema'
  | 'response_bundled'
  | 'json_schema'
>

/** Every version of the wanted types with its schema. */
export const selectPromises = (session: SqlSession, wanted: readonly Pick<Wanted, 'topic' | 'type'>[]) =>
  session.query<PromiseRow>(
    `select d.tenant_id, d.topic, d.type, d.version, d.kind, d.response_type, d.response_topic, d.response_schema,
       d.response_bundled, s.json_schema
     from (select distinct topic, type from jsonb_to_recordset($1::jsonb) as r(topic text, type text)) as wanted
     join registry.event_definitions d on d.topic = wanted.topic and d.type = wanted.type
     join lateral (
       select coalesce(bundled, json_schema) as json_schema from registry.schemas
       where name = d.schema_name and version = d.schema_version order by (tenant_id <> d.tenant_id) limit 1
     ) s on true`,
    [JSON.stringify(wanted)],
  )

/** Who defined each type on each topic first. */
export const selectDefinitionOwners = (session: SqlSession, wanted: readonly Wanted[]) =>
  session.query<Pick<DefinitionRow, 'tenant_id' | 'topic' | 'type' | 'owner_id'>>(
    `select distinct on (d.tenant_id, d.topic, d.type) d.tenant_id, d.topic, d.type, d.owner_id
     from jsonb_to_recordset($1::jsonb) as wanted(topic text, type text)
     join registry.event_definitions d on d.topic = wanted.topic and d.type = wanted.type
     order by d.tenant_id, d.topic, d.type, d.created_at`,
    [JSON.stringify(wanted)],
  )

/** Of each version the own one next below it. */
export const selectDefinitionsBelow = (session: SqlSession, versions: readonly DefinitionRow[]) =>
  session.query<DefinitionRow>(
    `select below.* from jsonb_to_recordset($1::jsonb) as above(tenant_id text, topic text, type text, version_order text)
     join lateral (
       select * from registry.event_definitions d
       where d.tenant_id = above.tenant_id and d.topic = above.topic and d.type = above.type
         and d.version_order < above.version_order collate "C"
       order by d.version_order desc limit 1
     ) below on true`,
    [JSON.stringify(versions)],
  )

/** Inserts what is not there yet; answers what was inserted. */
export const insertDefinitions = (session: SqlSession, rows: readonly DefinitionInsert[], ownerId: string) =>
  session.query<DefinitionRow>(
    `insert into registry.event_definitions
       (tenant_id, topic, type, version, version_order, kind, description, purpose, schema_name, schema_version,
        response_type, response_topic, response_schema, response_bundled, side_effects, examples, tags, owner_agent, digest, owner_id)
     select current_setting('soma.tenant_id'), r.*, $2
     from jsonb_to_recordset($1::jsonb) as r(
       topic text, type text, version text, version_order text, kind text, description text, purpose text,
       schema_name text, schema_version text, response_type text, response_topic text, response_schema jsonb, response_bundled jsonb,
       side_effects text, examples jsonb, tags jsonb, owner_agent text, digest text)
     on conflict (tenant_id, topic, type, version) do nothing returning *`,
    [JSON.stringify(rows), ownerId],
  )

const LIVE = `live as (
  select distinct i.agent_id, r.consumes, r.produces, a.name, r.agent_version
  from registry.instances i
  join registry.registrations r on r.tenant_id = i.tenant_id and r.agent_id = i.agent_id and r.digest = i.digest
  join registry.agents a on a.tenant_id = i.tenant_id and a.id = i.agent_id
  where i.expires_at > now()
)`
/** SQL: a live agent is what `<name>` or `<name>@<version>` says. */
const isAgent = (selector: string): string =>
  `live.name = split_part(${selector}, '@', 1) and split_part(${selector}, '@', 2) in ('', live.agent_version)`
const WITH_SCHEMA = `join lateral (
    select json_schema, bundled from registry.schemas
    where name = d.schema_name and version = d.schema_version order by (tenant_id <> d.tenant_id) limit 1
  ) s on true`
const SELF = `jsonb_build_array(jsonb_build_object('topic', d.topic, 'type', d.type))`
const VIEW = `select d.*, s.json_schema, s.bundled,
    (select count(distinct agent_id)::int from live where live.consumes @> ${SELF}) as consumers,
    (select count(distinct agent_id)::int from live where live.produces @> ${SELF}) as producers
  from registry.event_definitions d ${WITH_SCHEMA}`

/** All versions of a type on a topic: the own ones before those of the platform, highest first. */
export const selectVersionsOf = (session: SqlSession, topic: string, type: string) =>
  session.query<DefinitionView>(
    `with ${LIVE} ${VIEW} where d.topic = $1 and d.type = $2 order by (d.tenant_id = 'platform'), d.version_order desc`,
    [topic, type],
  )

export interface DeclaredEvent extends DocumentedEvent {
  readonly purpose: string | undefined
  readonly sideEffects: DefinitionRow['side_effects']
  readonly ownerId: string
  readonly isPlatform: boolean
  /** Of the reply, in full, where the definition names one. */
  readonly replySchema: JsonSchema | undefined
}

/** Every version that can be published: the own ones and those of the platform. */
export async function selectCurrent(session: SqlSession): Promise<DeclaredEvent[]> {
  const rows = await session.query<
    Omit<DefinitionView, 'bundled' | 'consumers' | 'producers'> & {
      readonly reply_schema: DeclaredEvent['replySchema'] | null
    }
  >(
    `select d.*, coalesce(s.bundled, s.json_schema) as json_schema, coalesce(d.response_bundled, d.response_schema -> 'jsonSchema', reply.json_schema) as reply_schema
     from registry.event_definitions d ${WITH_SCHEMA}
     left join lateral (
       select coalesce(bundled, json_schema) as json_schema from registry.schemas
       where name = d.response_schema ->> 'name' and version = d.response_schema ->> 'version'
       order by (tenant_id <> d.tenant_id) limit 1
     ) reply on true
     where d.status in ('active', 'deprecated')`,
  )
  return rows.map((row) => ({
    topic: row.topic,
    type: row.type,
    version: row.version,
    kind: row.kind,
    description: row.description,
    jsonSchema: row.json_schema,
    responseType: row.response_type ?? undefined,
    responseTopic: row.response_topic ?? undefined,
    examples: row.examples,
    tags: row.tags,
    status: row.status,
    replacedBy: row.replaced_by ?? undefined,
    sunsetAt: row.sunset_at?.toISOString(),
    purpose: row.purpose ?? undefined,
    sideEffects: row.side_effects,
    ownerId: row.owner_id,
    isPlatform: row.tenant_id === 'platform',
    replySchema: row.reply_schema ?? undefined,
  }))
}

export interface DefinitionFilter {
  readonly topic: string | null
  readonly type: string | null
  readonly kind: string | null
  readonly tag: string | null
  readonly status: string | null
  readonly visibility: string | null
  readonly producer: string | null
  readonly consumer: string | null
  readonly query: string | null
  readonly actionable: boolean
}

export const listDefinitions = (
  session: SqlSession,
  filter: DefinitionFilter,
  page: { after: readonly (string | number)[] | undefined; limit: number },
) =>
  session.query<DefinitionView>(
    `with ${LIVE} ${VIEW}
     where ($1::text is null or d.topic = $1) and ($2::text is null or d.type = $2)
       and ($3::text is null or d.kind = $3) and ($4::text is null or d.tags @> to_jsonb($4::text))
       and ($5::text is null or d.status = $5)
       and ($6::text is null or ($6 = 'platform') = (d.tenant_id = 'platform'))
       and ($7::text is null or exists (select from live where ${isAgent('$7')} and live.produces @> ${SELF}))
       and ($8::text is null or exists (select from live where ${isAgent('$8')} and live.consumes @> ${SELF}))
       and ($9::text is null
         or strpos(lower(concat_ws(' ', d.type, d.description, d.purpose, d.tags::text)), lower($9)) > 0)
       and ($10::text is null or (d.type, d.topic, d.version_order, d.tenant_id) > ($10, $11, $12, $13))
       and (not $15 or exists (select from live where live.consumes @> ${SELF}))
     order by d.type, d.topic, d.version_order, d.tenant_id limit $14`,
    [
      filter.topic,
      filter.type,
      filter.kind,
      filter.tag,
      filter.status,
      filter.visibility,
      filter.producer,
      filter.consumer,
      filter.query,
      page.after?.[0] ?? null,
      page.after?.[1] ?? null,
      page.after?.[2] ?? null,
      page.after?.[3] ?? null,
      page.limit,
      filter.actionable,
    ],
  )

/** Marks a version; its content stays as it is. */
export const updateStatus = (
  session: SqlSession,
  wanted: Wanted,
  to: { status: 'deprecated' | 'retired'; replacedBy: string | null; sunsetAt: string | null },
) =>
  session.execute(
    `update registry.event_definitions set status = $4, replaced_by = coalesce($5, replaced_by),
       sunset_at = coalesce($6::timestamptz, sunset_at)
     where topic = $1 and type = $2 and version = $3 and tenant_id = current_setting('soma.tenant_id')`,
    [wanted.topic, wanted.type, wanted.version, to.status, to.replacedBy, to.sunsetAt],
  )

export interface ConsumerRow {
  readonly name: string
  readonly agent_version: string
  readonly range: string | null
  readonly is_live: boolean
}

/** Agents that declare to consume a type, by version: live ones, and those that ended in the last 24 h with what they said last. */
export const selectConsumers = (session: SqlSession, topic: string, type: string) =>
  session.query<ConsumerRow>(
    `select distinct a.name, r.agent_version, reference->>'range' as range, i.digest is not null as is_live
     from registry.agents a
     join registry.registrations r on r.tenant_id = a.tenant_id and r.agent_id = a.id
     left join registry.instances i
       on i.tenant_id = a.tenant_id and i.agent_id = a.id and i.digest = r.digest and i.expires_at > now()
     cross join lateral jsonb_array_elements(r.consumes) as reference
     where reference->>'topic' = $1 and reference->>'type' = $2
       and (i.digest is not null or (coalesce(a.ended_at, now()) > now() - interval '24 hours' and r.digest = a.digest))
     order by 1, 2, 3`,
    [topic, type],
  )

export const selectTypes = (session: SqlSession) =>
  session.query<{ topic: string; type: string }>(`select distinct topic, type from registry.event_definitions`)
