import type { JsonSchema, SqlSession } from '@soma/kernel'

export interface SchemaRow {
  readonly tenant_id: string
  readonly id: string
  readonly name: string
  readonly version: string
  readonly version_order: string
  readonly json_schema: boolean | Record<string, unknown>
  readonly bundled: Record<string, unknown> | null
  readonly digest: string
  readonly description: string
  readonly owner_id: string
  readonly status: 'active' | 'deprecated' | 'retired'
  readonly created_at: Date
}

export interface SchemaInsert {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly version_order: string
  readonly json_schema: unknown
  readonly bundled?: unknown
  readonly digest: string
  readonly description: string
}

/** The schema with all that it refers to. */
export const fullSchema = (row: SchemaRow): JsonSchema => row.bundled ?? row.json_schema

/** The named versions as the caller sees them: own ones and those of the platform. */
export const selectVersions = (session: SqlSession, wanted: readonly { name: string; version: string }[]) =>
  session.query<SchemaRow>(
    `select s.* from jsonb_to_recordset($1::jsonb) as wanted(name text, version text)
     join registry.schemas s on s.name = wanted.name and s.version = wanted.version`,
    [JSON.stringify(wanted)],
  )

/** Who registered each name first. */
export const selectOwners = (session: SqlSession, names: readonly string[]) =>
  session.query<{ tenant_id: string; name: string; owner_id: string }>(
    `select distinct on (tenant_id, name) tenant_id, name, owner_id from registry.schemas
     where name in (select jsonb_array_elements_text($1::jsonb)) order by tenant_id, name, created_at`,
    [JSON.stringify(names)],
  )

/** Of each version the own one next below it. */
export const selectSchemasBelow = (session: SqlSession, versions: readonly SchemaRow[]) =>
  session.query<SchemaRow>(
    `select below.* from jsonb_to_recordset($1::jsonb) as above(tenant_id text, name text, version_order text)
     join lateral (
       select * from registry.schemas s
       where s.tenant_id = above.tenant_id and s.name = above.name and s.version_order < above.version_order collate "C"
       order by s.version_order desc limit 1
     ) below on true`,
    [JSON.stringify(versions)],
  )

/** Inserts what is not there yet; answers what was inserted. */
export const insertSchemas = (session: SqlSession, rows: readonly SchemaInsert[], ownerId: string) =>
  session.query<SchemaRow>(
    `insert into registry.schemas (tenant_id, id, name, version, version_order, json_schema, bundled, digest, description, owner_id)
     select current_setting('soma.tenant_id'), id, name, version, version_order, json_schema, bundled, digest, description, $2
     from jsonb_to_recordset($1::jsonb)
       as r(id uuid, name text, version text, version_order text, json_schema jsonb, bundled jsonb, digest text, description text)
     on conflict (tenant_id, name, version) do nothing returning *`,
    [JSON.stringify(rows), ownerId],
  )

/** All versions of a name, the own ones before those of the platform, highest first. */
export const selectByName = (session: SqlSession, name: string) =>
  session.query<SchemaRow>(
    `select * from registry.schemas where name = $1 order by (tenant_id = 'platform'), version_order desc`,
    [name],
  )

export const selectByNames = (session: SqlSession, names: readonly string[]) =>
  session.query<SchemaRow>(
    `select * from registry.schemas where name in (select jsonb_array_elements_text($1::jsonb))`,
    [JSON.stringify(names)],
  )

/** Until the end of the transaction nobody else adds versions to these names; locked in their order, so that two writers cannot deadlock. */
export const lockNames = (session: SqlSession, names: readonly string[]) =>
  session.query(
    `select pg_advisory_xact_lock(hashtextextended(current_setting('soma.tenant_id') || '/registry/' || name, 0))
     from (select distinct name from jsonb_array_elements_text($1::jsonb) as wanted(name) order by name) as ordered`,
    [JSON.stringify(names)],
  )

/** The highest version of each name after a cursor. */
export const selectLatest = (
  session: SqlSession,
  filter: {
    ownerId: string | undefined
    status: string | undefined
    after: readonly (string | number)[] | undefined
    limit: number
  },
) =>
  session.query<SchemaRow>(
    `select distinct on (name, tenant_id) * from registry.schemas
     where ($1::text is null or owner_id = $1) and ($2::text is null or status = $2)
       and ($3::text is null or (name, tenant_id) > ($3, $4))
     order by name, tenant_id, version_order desc limit $5`,
    [filter.ownerId ?? null, filter.status ?? null, filter.after?.[0] ?? null, filter.after?.[1] ?? null, filter.limit],
  )
