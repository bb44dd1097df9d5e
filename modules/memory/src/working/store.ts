import type { Json, Transaction } from '@soma/kernel'

export interface WorkingRow {
  readonly scope_key: string
  readonly key: string
  readonly value: Json
  readonly keep: boolean
  readonly version: number
  readonly writer: string
  readonly updated_at: Date
  readonly expires_at: Date | null
}

export interface WorkingWrite {
  readonly scopeKey: string
  readonly ownerId: string
  readonly writer: string
  readonly key: string
  readonly value: Json
  readonly keep: boolean
  readonly ttlMs: number | undefined
  /** Without a time to live, the end that the item has stays. */
  readonly keepsEnd?: boolean
}

const COLUMNS = 'scope_key, key, value, keep, version, writer, updated_at, expires_at'
const OF_SCOPE =
  'tenant_id = memory.tenant() and scope_key = $1 and (expires_at is null or expires_at > statement_timestamp())'

export const findWorking = async (tx: Transaction, scopeKey: string, key: string): Promise<WorkingRow | undefined> =>
  (
    await tx.query<WorkingRow>(`select ${COLUMNS} from memory.working_items where ${OF_SCOPE} and key = $2`, [
      scopeKey,
      key,
    ])
  )[0]

export const lockWorking = async (tx: Transaction, scopeKey: string, key: string): Promise<WorkingRow | undefined> =>
  (
    await tx.query<WorkingRow>(
      `select ${COLUMNS} from memory.working_items where ${OF_SCOPE} and key = $2 for update`,
      [scopeKey, key],
    )
  )[0]

export const listWorking = (
  tx: Transaction,
  of: { scopeKey: string; after: string; prefix: string; limit: number },
): Promise<WorkingRow[]> =>
  tx.query<WorkingRow>(
    `select ${COLUMNS} from memory.working_items where ${OF_SCOPE} and key > $2 and key >= $3 and starts_with(key, $3) order by key limit $4`,
    [of.scopeKey, of.after, of.prefix, of.limit],
  )

/** What the scope holds beside this key. */
export async function measureWorking(
  tx: Transaction,
  scopeKey: string,
  key: string,
): Promise<{ keys: number; bytes: number }> {
  const [row] = await tx.query<{ keys: number; bytes: number }>(
    `select count(*) as keys, coalesce(sum(bytes), 0)::int8 as bytes from memory.working_items where ${OF_SCOPE} and key <> $2`,
    [scopeKey, key],
  )
  return row as { keys: number; bytes: number }
}

// An item that expired is none: its version is 0, and the next write begins again.
const PUT = `
insert into memory.working_items as w (tenant_id, scope_key, owner_id, key, value, keep, writer, bytes, updated_at, expires_at)
select memory.tenant(), $1, $2, $3, $4::jsonb, $5, $6, $7, statement_timestamp(), statement_timestamp() + $8::float8 * interval '1 millisecond'
where $9::int8 is null or $9 = 0 or exists (select from memory.working_items where ${OF_SCOPE} and key = $3)
on conflict (tenant_id, scope_key, key) do update set value = excluded.value, keep = excluded.keep, writer = excluded.writer, bytes = excluded.bytes, updated_at = excluded.updated_at,
  expires_at = case when $10 then w.expires_at else excluded.expires_at end, version = case when w.expires_at <= statement_timestamp() then 1 else w.version + 1 end
where $9 is null or case when w.expires_at <= statement_timestamp() then 0 else w.version end = $9
returning ${COLUMNS}`

/** Undefined when another version than the expected stands there. Without an expected one the last write wins. */
export async function putWorking(
  tx: Transaction,
  write: WorkingWrite,
  expected: number | undefined,
): Promise<WorkingRow | undefined> {
  const value = JSON.stringify(write.value)
  const [row] = await tx.query<WorkingRow>(PUT, [
    write.scopeKey,
    write.ownerId,
    write.key,
    value,
    write.keep,
    write.writer,
    Buffer.byteLength(value),
    write.ttlMs ?? null,
    expected ?? null,
    write.keepsEnd === true && write.ttlMs === undefined,
  ])
  return row
}

/** The mark goes with the item, and after a day. */
export const markApplied = (
  tx: Transaction,
  { scope_key, key }: Pick<WorkingRow, 'scope_key' | 'key'>,
  request: string,
): Promise<number> =>
  tx.execute(
    'insert into memory.applied_changes (tenant_id, scope_key, key, request) values (memory.tenant(), $1, $2, $3)',
    [scope_key, key, request],
  )

export const wasApplied = async (tx: Transaction, scopeKey: string, key: string, request: string): Promise<boolean> =>
  (
    await tx.query(
      'select from memory.applied_changes where tenant_id = memory.tenant() and scope_key = $1 and key = $2 and request = $3',
      [scopeKey, key, request],
    )
  ).length > 0

export const deleteWorking = (
  tx: Transaction,
  of: { scopeKey: string; key: string; expected: number | undefined },
): Promise<number> =>
  tx.execute(`delete from memory.working_items where ${OF_SCOPE} and key = $2 and ($3::int8 is null or version = $3)`, [
    of.scopeKey,
    of.key,
    of.expected ?? null,
  ])

export const clearWorking = (tx: Transaction, scopeKey: string): Promise<number> =>
  tx.execute('delete from memory.working_items where tenant_id = memory.tenant() and scope_key = $1', [scopeKey])
