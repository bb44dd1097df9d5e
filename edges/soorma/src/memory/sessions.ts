import type { ModuleDatabase } from '@soma/kernel'
import {
  deleteRecord,
  insertRecord,
  type RecordRow,
  selectRecord,
  selectRecords,
  touchRecord,
} from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { type Document } from './dtos.ts'
import { naiveTime } from './foreign-ids.ts'
import type { SessionCreate } from './item-dtos.ts'

interface SessionDetail {
  readonly name: string | null
  readonly metadata: Document
}

export const sessionNames = ({ serviceUser }: Caller) => ({ kind: 'session', userId: serviceUser }) as const

/** Sessions: names of a user's own that plans are said to belong to. */
export function createSessions(database: ModuleDatabase) {
  const find = (caller: Caller, sessionId: string) =>
    database.transaction(caller.context, (tx) => selectRecord<SessionDetail>(tx, sessionNames(caller), sessionId))
  const required = async (caller: Caller, sessionId: string) => {
    const record = await find(caller, sessionId)
    if (record === undefined) throw refusal(404, `Session not found: ${sessionId}`)
    return record
  }
  return {
    /** @throws 409 for one that is there */
    create: async (caller: Caller, { sessionId, name = null, metadata }: SessionCreate) => {
      const detail = { name, metadata }
      const isNew = await database.transaction(caller.context, (tx) =>
        insertRecord(tx, sessionNames(caller), { foreignId: sessionId, ownId: sessionId, detail }),
      )
      if (!isNew) throw refusal(409, `Session already exists: ${sessionId}`)
      return viewOf(caller, await required(caller, sessionId))
    },
    get: async (caller: Caller, sessionId: string) => viewOf(caller, await required(caller, sessionId)),
    /** That of the last interaction first. */
    list: async (caller: Caller, limit: number) => {
      const rows = await database.transaction(caller.context, (tx) =>
        selectRecords<SessionDetail>(tx, sessionNames(caller), { limit }),
      )
      return rows.map((row) => viewOf(caller, row))
    },
    remove: async (caller: Caller, sessionId: string): Promise<undefined> => {
      await required(caller, sessionId)
      await database.transaction(caller.context, (tx) => deleteRecord(tx, sessionNames(caller), sessionId))
    },
    /** Something happened in it. */
    touch: async (caller: Caller, sessionId: string | null | undefined): Promise<void> => {
      if (!sessionId) return
      await database.transaction(caller.context, (tx) => touchRecord(tx, sessionNames(caller), sessionId))
    },
  }
}

const viewOf = (caller: Caller, { foreign_id, detail, created_at, updated_at }: RecordRow<SessionDetail>) => ({
  tenantId: caller.platformTenant,
  userId: caller.serviceUser,
  sessionId: foreign_id,
  ...detail,
  createdAt: naiveTime(created_at),
  lastInteraction: naiveTime(updated_at),
})
