import type { SqlSession } from '@soma/kernel'

export type RecordKind = 'agent' | 'event' | 'schema' | 'plan' | 'task' | 'sub-task'

/** Names of one kind; `userId` is '' where they are the whole space's. Tenant and space are those of the transaction. */
export interface Names {
  readonly kind: RecordKind
  readonly userId: string
}

/** One name of the dialect. `Detail` = what was said that ours has no word for. */
export interface RecordRow<Detail = unknown> {
  readonly foreign_id: string
  readonly own_id: string
  readonly detail: Detail
  readonly created_at: Date
  readonly updated_at: Date
}

const COLUMNS = 'foreign_id, own_id, detail, created_at, updated_at'
const NAMED = `kind = $1 and user_id = $2 and space_id = coalesce(current_setting('soma.space_id', true), '')`

export const selectRecord = async <Detail>(session: SqlSession, names: Names, foreignId: string) => {
  const rows = await session.query<RecordRow<Detail>>(
    `select ${COLUMNS} from soorma.records where ${NAMED} and foreign_id = $3`,
    [names.kind, names.userId, foreignId],
  )
  return rows[0]
}

/** The same, kept from others until the transaction ends. */
export const lockRecord = async <Detail>(session: SqlSession, names: Names, foreignId: string) => {
  const rows = await session.query<RecordRow<Detail>>(
    `select ${COLUMNS} from soorma.records where ${NAMED} and foreign_id = $3 for update`,
    [names.kind, names.userId, foreignId],
  )
  return rows[0]
}

/** By what they are here, in all spaces that the transaction sees; of several names of one thing each. */
export const selectRecordsOf = <Detail>(session: SqlSession, names: Names, ownIds: readonly string[]) =>
  session.query<RecordRow<Detail>>(
    `select ${COLUMNS} from soorma.records where kind = $1 and user_id = $2 and own_id = any($3::text[]) order by updated_at desc`,
    [names.kind, names.userId, ownIds],
  )

/** The newest first. */
export const selectRecords = <Detail>(session: SqlSession, names: Names) =>
  session.query<RecordRow<Detail>>(
    `select ${COLUMNS} from soorma.records where ${NAMED} order by updated_at desc, foreign_id`,
    [names.kind, names.userId],
  )

/** Makes it or words it anew; `is_new` tells which. */
export const upsertRecord = async (
  session: SqlSession,
  names: Names,
  record: { readonly foreignId: string; readonly ownId: string; readonly detail: unknown },
) => {
  const [row] = await session.query<{ is_new: boolean }>(
    `insert into soorma.records (tenant_id, space_id, kind, user_id, foreign_id, own_id, detail)
     values (current_setting('soma.tenant_id'), coalesce(current_setting('soma.space_id', true), ''), $1, $2, $3, $4, $5::jsonb)
     on conflict (tenant_id, kind, space_id, user_id, foreign_id) do update
       set own_id = excluded.own_id, detail = excluded.detail, updated_at = now()
     returning xmax = 0 as is_new`,
    [names.kind, names.userId, record.foreignId, record.ownId, JSON.stringify(record.detail)],
  )
  return row?.is_new ?? false
}

/** Makes it unless it is there; answers whether it was made. */
export const insertRecord = async (
  session: SqlSession,
  names: Names,
  record: { readonly foreignId: string; readonly ownId: string; readonly detail: unknown },
): Promise<boolean> => {
  const made = await session.execute(
    `insert into soorma.records (tenant_id, space_id, kind, user_id, foreign_id, own_id, detail)
     values (current_setting('soma.tenant_id'), coalesce(current_setting('soma.space_id', true), ''), $1, $2, $3, $4, $5::jsonb)
     on conflict do nothing`,
    [names.kind, names.userId, record.foreignId, record.ownId, JSON.stringify(record.detail)],
  )
  return made === 1
}

export const deleteRecord = (session: SqlSession, names: Names, foreignId: string) =>
  session.execute(`delete from soorma.records where ${NAMED} and foreign_id = $3`, [
    names.kind,
    names.userId,
    foreignId,
  ])

/** Every name of what is this here. */
export const deleteRecordsOf = (session: SqlSession, names: Names, ownId: string) =>
  session.execute(`delete from soorma.records where ${NAMED} and own_id = $3`, [names.kind, names.userId, ownId])

/** Names of things that ended unsaid: those with this beginning of what they are here, but the ones that live, once they are a day old. */
export const deleteDead = (
  session: SqlSession,
  names: Names,
  { beginning, living }: { readonly beginning: string; readonly living: readonly string[] },
) =>
  session.execute(
    `delete from soorma.records where ${NAMED} and starts_with(own_id, $3) and own_id <> all($4::text[])
       and updated_at < now() - interval '1 day'`,
    [names.kind, names.userId, beginning, living],
  )
