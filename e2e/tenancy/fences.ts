import { hasTenantRows, type Table } from './catalog.ts'
import { platformTables } from './platform-tables.ts'

const SERVING_ROLES = ['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler']

/** A partition nobody has a right on is reached through its parent alone, under the parent's policies. */
const isSealedPartition = (table: Table): boolean => table.isPartition && table.reachableBy.length === 0

function faultsOf(table: Table): string[] {
  const isPlatform = table.name in platformTables
  if (!hasTenantRows(table)) return isPlatform ? [] : ['has no tenant_id and is no platform table']
  if (isPlatform) return ['has tenant_id and cannot be a platform table']
  if (SERVING_ROLES.includes(table.owner)) return [`belongs to ${table.owner}, which serves requests`]
  if (isSealedPartition(table)) return []
  return [
    ...table.truncatableBy.map((role) => `may be emptied by ${role}, which no policy stops`),
    ...(table.isEnabled ? [] : ['has no row-level security']),
    ...(table.isForced ? [] : ['does not force row-level security on its owner']),
    ...(table.policies.length > 0 ? [] : ['has no policy']),
  ]
}

/** What the catalog alone shows: `schema.table: fault`. Empty when every table has its fence. */
export function missingFences(tables: readonly Table[]): string[] {
  const stale = Object.keys(platformTables).filter((name) => !tables.some((table) => table.name === name))
  return [
    ...tables.flatMap((table) => faultsOf(table).map((fault) => `${table.name}: ${fault}`)),
    ...stale.map((name) => `${name}: is listed as a platform table and does not exist`),
  ]
}
