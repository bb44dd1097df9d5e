import type { Database } from '@soma/kernel'

export interface Column {
  readonly name: string
  /** As `cast` writes it: `timestamp with time zone`, `text[]`. */
  readonly type: string
  readonly isRequired: boolean
  readonly isGenerated: boolean
  readonly enumLabel: string | null
  /** The platform's roles that may update it. */
  readonly updatableBy: readonly string[]
}

export interface Table {
  /** Quoted: `events."log_plan-events"`. */
  readonly name: string
  readonly owner: string
  readonly isEnabled: boolean
  readonly isForced: boolean
  readonly isPartition: boolean
  readonly isPartitioned: boolean
  readonly policies: readonly { readonly text: string; readonly roles: readonly string[] }[]
  /** The platform's roles that have any right on the table or on one of its columns. */
  readonly reachableBy: readonly string[]
  /** Those that may empty it, which no policy stops. */
  readonly truncatableBy: readonly string[]
  readonly columns: readonly Column[]
}

const TABLES = `
  select c.oid::regclass::text as name, pg_get_userbyid(c.relowner) as owner, c.relrowsecurity as "isEnabled",
    c.relforcerowsecurity as "isForced", c.relispartition as "isPartition", c.relkind = 'p' as "isPartitioned",
    (select coalesce(json_agg(json_build_object('text', concat(p.qual, ' ', p.with_check), 'roles', p.roles)), '[]')
      from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname) as policies,
    (select coalesce(json_agg(role), '[]') from unnest(array['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler']) role
      where has_any_column_privilege(role, c.oid, 'select, insert, update')
        or has_table_privilege(role, c.oid, 'select, insert, update, delete, truncate')) as "reachableBy",
    (select coalesce(json_agg(role), '[]') from unnest(array['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler']) role
      where has_table_privilege(role, c.oid, 'truncate')) as "truncatableBy",
    (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'isRequired', a.attnotnull and not a.atthasdef and a.attidentity = '',
        'isGenerated', a.attgenerated <> '' or a.attidentity = 'a',
        'updatableBy', (select coalesce(json_agg(role), '[]') from unnest(array['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler']) role
          where has_column_privilege(role, c.oid, a.attnum, 'update')),
        'enumLabel', (select e.enumlabel from pg_enum e where e.enumtypid = a.atttypid order by e.enumsortorder limit 1))
      order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
  order by 1`

/** Every table of the live database that is not Postgres's own. */
export function readTables(database: Database): Promise<Table[]> {
  return database.asOwner((session) => session.query<Table>(TABLES))
}

const POWERFUL_ROLES = `
  select rolname as name from pg_roles r
  where rolname in ('soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler')
    and (rolsuper or rolbypassrls or rolcreaterole or pg_has_role(rolname, 'soma_owner', 'member')
      or exists (select from pg_shdepend d where d.refobjid = r.oid and d.deptype = 'o'))`

/** The serving roles that own something, could become the owner, or are above row-level security. */
export async function readPowerfulRoles(database: Database): Promise<string[]> {
  const rows = await database.asOwner((session) => session.query<{ name: string }>(POWERFUL_ROLES))
  return rows.map(({ name }) => name)
}

export const hasTenantRows = (table: Table): boolean => table.columns.some(({ name }) => name === 'tenant_id')
