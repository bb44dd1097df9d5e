import { randomUUID } from 'node:crypto'
import type { Database, SqlSession } from '@soma/kernel'
import type { Column, Table } from './catalog.ts'

export const OWN = { tenantId: 'tenant-a', spaceId: 'space-a', userId: 'user-a', principalId: 'principal-a' } as const
export const FOREIGN = {
  tenantId: 'tenant-b',
  spaceId: 'space-b',
  userId: 'user-b',
  principalId: 'principal-b',
} as const

type Identity = typeof OWN | typeof FOREIGN

let counter = 0

/** A value of the column's type that no other row has. */
function valueOf({ type, enumLabel }: Column): unknown {
  counter += 1
  if (enumLabel !== null) return enumLabel
  if (type.endsWith('[]')) return '{}'
  if (type.startsWith('sparsevec')) return '{1:1}/1048576'
  if (type.startsWith('timestamp') || type === 'date') return new Date(counter * 86_400_000).toISOString()
  if (/^(?:smallint|integer|bigint|numeric|real|double)/.test(type)) return counter
  switch (type) {
    case 'uuid':
      return randomUUID()
    case 'boolean':
      return true
    case 'json':
    case 'jsonb':
      return JSON.stringify({ n: counter })
    case 'bytea':
      return new Uint8Array([counter & 255])
    case 'interval':
      return `${counter} seconds`
    default:
      return `value-${counter}`
  }
}

function fill(column: Column, identity: Identity): unknown {
  switch (column.name) {
    case 'tenant_id':
      return identity.tenantId
    case 'space_id':
      return identity.spaceId
    case 'user_id':
      return identity.userId
    case 'owner_id':
    case 'principal_id':
      return column.type === 'uuid' ? valueOf(column) : identity.principalId
    default:
      return valueOf(column)
  }
}

const ALWAYS_FILLED = new Set(['tenant_id', 'space_id', 'user_id', 'owner_id', 'principal_id'])

export interface Insertion {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** The insertion of one valid row. `tenantId` may differ from the identity's, to write into another tenant. */
export function insertionOf(table: Table, identity: Identity, tenantId: string | null = identity.tenantId): Insertion {
  const columns = table.columns.filter(
    (column) => !column.isGenerated && (column.isRequired || ALWAYS_FILLED.has(column.name)),
  )
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const values = columns.map(({ type }, index) => `$${index + 1}::text::${type}`).join(', ')
  const parameters = columns.map((column) => {
    const value = column.name === 'tenant_id' ? tenantId : fill(column, identity)
    return value instanceof Uint8Array
      ? `\\x${Buffer.from(value).toString('hex')}`
      : value === null
        ? null
        : String(value)
  })
  return { sql: `insert into ${table.name} (${names}) values (${values})`, parameters }
}

const CONSTRAINTS = `
  select conrelid::regclass::text as table, conname as name from pg_constraint
  where contype in ('f', 'c') and conparentid = 0 and coninhcount = 0 and connamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`

/** Rows need not make sense here, they need a tenant. So foreign keys, checks and triggers go; the fences stay as they are. */
async function relax(session: SqlSession, tables: readonly Table[]): Promise<void> {
  const constraints = await session.query<{ table: string; name: string }>(CONSTRAINTS)
  for (const { table, name } of constraints)
    await session.execute(`alter table ${table} drop constraint if exists "${name}"`)
  for (const { name, isPartitioned, isPartition } of tables) {
    if (!isPartition) await session.execute(`alter table ${name} disable trigger user`)
    if (isPartitioned && !isPartition) await session.execute(`create table ${name}_probe partition of ${name} default`)
  }
}

/** Writes a row of each tenant into every table. The owner may, because within this transaction its tables are not forced. */
export async function seed(database: Database, tables: readonly Table[]): Promise<void> {
  await database.asOwner(async (session) => {
    await relax(session, tables)
    for (const table of tables) {
      await session.execute(`alter table ${table.name} no force row level security`)
      for (const identity of [OWN, FOREIGN]) {
        const { sql, parameters } = insertionOf(table, identity)
        await session.execute(sql, parameters)
      }
      if (table.isForced) await session.execute(`alter table ${table.name} force row level security`)
    }
  })
}
