import type { SqlSession } from '@soma/kernel'

export type RecordKind = 'agent' | 'event' | 'schema' | 'plan' | 'task' | 'sub-task' | 'session' | 'issuer' | 'binding'

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
const lockRecord = async <Detail>(session: SqlSession, names: Names, foreignId: string) => {
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

/** As many records as a list reads at once: the dialect has no pages. */
export const MAXIMUM_RECORDS = 1000

export interface RecordFilter {
  readonly ownId?: string
  /** What the detail holds among others. */
  readonly said?: Readonly<Record<string, unknown>>
  /** Default, and at most: `MAXIMUM_RECORDS`. */
  readonly limit?: number
  readonly offset?: number
}

/** The newest first. */
export const selectRecords = <Detail>(session: SqlSession, names: Names, filter: RecordFilter = {}) => {
  const { ownId, said = {}, limit = MAXIMUM_RECORDS, offset = 0 } = filter
  const ofOwnId = ownId === undefined ? '' : 'and own_id = $6'
  return session.query<RecordRow<Detail>>(
    `select ${COLUMNS} from soorma.records where ${NAMED} and detail @> $3::jsonb ${ofOwnId}
     order by updated_at desc, foreign_id limit $4 offset $5`,
    [
      ...[names.kind, names.userId, JSON.stringify(said), Math.min(limit, MAXIMUM_RECORDS), offset],
      ...(ownId === undefined ? [] : [ownId]),
    ],
  )
}

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

/** Names of one thing that has no words of its own, in one statement; those that stood for another thing stand for this one. */
export const upsertNames = (session: SqlSession, names: Names, ownId: string, foreignIds: readonly string[]) =>
  session.execute(
    `insert into soorma.records (tenant_id, space_id, kind, user_id, foreign_id, own_id, detail)
     select current_setting('soma.tenant_id'), coalesce(current_setting('soma.space_id', true), ''), $1, $2, foreign_id, $3, '{}'
     from unnest($4::text[]) as foreign_id
     on conflict (tenant_id, kind, space_id, user_id, foreign_id) do update set own_id = excluded.own_id, updated_at = now()`,
    [names.kind, names.userId, ownId, foreignIds],
  )

/**
 * Makes a record, or changes what it says, whoever else does so at once: each change sees the one before. A record that is there stays the name of what it is here.
 * Answers what was said before. @throws what `change` throws; then nothing is changed
 */
export const amendRecord = async <Detail>(
  session: SqlSession,
  names: Names,
  record: {
    readonly foreignId: string
    readonly ownId: string
    readonly change: (said: Detail | undefined) => Detail
  },
): Promise<{ readonly before: Detail | undefined; readonly detail: Detail }> => {
  const { foreignId, ownId, change } = record
  const locked = await lockRecord<Detail>(session, names, foreignId)
  const first = locked === undefined ? change(undefined) : undefined
  if (first !== undefined && (await insertRecord(session, names, { foreignId, ownId, detail: first })))
    return { before: undefined, detail: first }
  const known = locked ?? (await lockRecord<Detail>(session, names, foreignId))
  const detail = change(known?.detail)
  await upsertRecord(session, names, { foreignId, ownId: known?.own_id ?? ownId, detail })
  return { before: known?.detail, detail }
}

/** Says that it changed. */
export const touchRecord = (session: SqlSession, names: Names, foreignId: string) =>
  session.execute(`update soorma.records set updated_at = now() where ${NAMED} and foreign_id = $3`, [
    names.kind,
    names.userId,
    foreignId,
  ])

/** Names of one thing that are said no more. */
export const deleteNames = (session: SqlSession, names: Names, ownId: string, foreignIds: readonly string[]) =>
  session.execute(`delete from soorma.records where ${NAMED} and own_id = $3 and foreign_id = any($4::text[])`, [
    names.kind,
    names.userId,
    ownId,
    foreignIds,
  ])

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
