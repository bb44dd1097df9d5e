import {
  type Context,
  commonProblems,
  type ModuleDatabase,
  newUuid,
  PLATFORM_TENANT,
  type SqlSession,
  toId,
  uuidOf,
} from '@soma/kernel'
import type { Rebuild } from '../../contract/index.ts'
import { insertRebuild, readRebuild, type RebuildRecord } from './store.ts'

/** The work itself is a job's: see `createRebuildRunner`. */
export function createRebuilds({ database }: { database: ModuleDatabase }) {
  /** @throws forbidden for another tenant's, unless the caller is of the platform. */
  const inTenant = <T>(tenantId: string, context: Context, work: (tx: SqlSession) => Promise<T>): Promise<T> => {
    if (tenantId !== context.tenantId && context.tenantId !== PLATFORM_TENANT)
      throw commonProblems.forbidden.create('only principals of the platform name another tenant', {
        capability: 'platform:operate',
      })
    return database.asWorker(database.moduleContext(tenantId), work)
  }
  return {
    start: async (context: Context, kind: Rebuild['kind'], tenantId = context.tenantId): Promise<Rebuild> => {
      const row = await inTenant(tenantId, context, (tx) => insertRebuild(tx, newUuid(), kind))
      if (row === undefined)
        throw commonProblems.conflict.create('the read models of this tenant are being rebuilt or verified already')
      return viewRebuild(tenantId, row)
    },
    get: async (context: Context, rebuildId: string, tenantId = context.tenantId): Promise<Rebuild> => {
      const row = await inTenant(tenantId, context, (tx) => readRebuild(tx, uuidOf('rbd', rebuildId)))
      if (row === undefined) throw commonProblems.notFound.create(`no rebuild ${rebuildId}`)
      return viewRebuild(tenantId, row)
    },
  }
}

function viewRebuild(tenantId: string, row: RebuildRecord): Rebuild {
  const places = row.places ?? []
  return {
    rebuildId: toId('rbd', row.id),
    tenantId,
    kind: row.kind,
    status: row.status,
    read: places.reduce((sum, { position, oldest }) => sum + Math.max(0, position - oldest + 1), 0),
    toRead: places.reduce((sum, { until, oldest }) => sum + Math.max(0, until - oldest + 1), 0),
    applied: row.applied,
    failed: row.failed,
    models: row.models,
    createdAt: row.created_at.toISOString(),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at.toISOString() }),
  }
}
