import {
  type Context,
  commonProblems,
  decodeCursor,
  type Json,
  toPage,
  type Transaction,
  withoutUndefined,
} from '@soma/kernel'
import { memoryProblems, type Scope, type WorkingChange, type WorkingItem } from '../../contract/index.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { ownerIdOf, scopeKeyOf, scopeOfKey } from '../scopes/scope-keys.ts'
import { changedValue } from './change.ts'
import {
  clearWorking,
  deleteWorking,
  findWorking,
  listWorking,
  lockWorking,
  markApplied,
  measureWorking,
  putWorking,
  type WorkingRow,
  type WorkingWrite,
  wasApplied,
} from './store.ts'

export interface WorkingPlace {
  readonly scopeType: 'plan' | 'user'
  readonly scopeId: string
}
type KeyedPlace = WorkingPlace & { readonly key: string }

export interface WorkingDependencies {
  readonly memory: MemoryDatabase
  readonly limits: { readonly workingMaxKeys: number; readonly workingMaxBytes: number }
}

/** How often a change begins anew because another made the item meanwhile. */
const ATTEMPTS = 10

/** Working memory: values by key, shared by who works in a plan, or a user's own scratch. */
export function createWorkingService({ memory, limits }: WorkingDependencies) {
  const write = <T>(context: Context, place: WorkingPlace, work: (tx: Transaction, scopeKey: string) => Promise<T>) => {
    const scope = scopeOf(place)
    return memory.toWrite(context, scope, (tx) => work(tx, scopeKeyOf(context, scope)))
  }
  const read = <T>(context: Context, place: WorkingPlace, work: (tx: Transaction, scopeKey: string) => Promise<T>) => {
    const scope = scopeOf(place)
    return memory.inScopes(context, [scope.type === 'plan' ? scope.id : undefined], (tx) =>
      work(tx, scopeKeyOf(context, scope)),
    )
  }
  /** Inside a transaction that has entered the scope. @throws version-conflict, quota-exceeded */
  async function store(tx: Transaction, item: WorkingWrite, expected?: number): Promise<WorkingRow> {
    await assertRoom(tx, item, limits)
    const row = await putWorking(tx, item, expected)
    return row ?? conflict(tx, item, expected)
  }

  return {
    store,
    get: (context: Context, { key, ...place }: KeyedPlace) =>
      read(context, place, async (tx, scopeKey) => viewWorking((await findWorking(tx, scopeKey, key)) ?? missing(key))),
    list: (
      context: Context,
      place: WorkingPlace,
      query: { limit: number; cursor?: string | undefined; prefix?: string | undefined },
    ) => {
      const [after = ''] = decodeCursor(query.cursor, ['text']) ?? []
      return read(context, place, async (tx, scopeKey) => {
        const rows = await listWorking(tx, { scopeKey, after, prefix: query.prefix ?? '', limit: query.limit + 1 })
        return toPage(rows, query.limit, { item: viewWorking, key: ({ key }) => [key] })
      })
    },
    put: (
      context: Context,
      { key, ...place }: KeyedPlace,
      call: { body: { value: Json; ttlMs?: number | undefined; keep: boolean }; ifMatch?: number | undefined },
    ) =>
      write(context, place, async (tx, scopeKey) => {
        const { value, ttlMs, keep } = call.body
        return viewWorking(await store(tx, { ...writerOf(context), scopeKey, key, value, ttlMs, keep }, call.ifMatch))
      }),
    delete: (context: Context, { key, ...place }: KeyedPlace, expected: number | undefined) =>
      write(context, place, async (tx, scopeKey) => {
        if ((await deleteWorking(tx, { scopeKey, key, expected })) > 0) return
        if (expected === undefined) missing(key)
        await conflict(tx, { scopeKey, key }, expected)
      }),
    clear: (context: Context, place: WorkingPlace) =>
      write(context, place, async (tx, scopeKey) => ({ deleted: await clearWorking(tx, scopeKey) })),
    /** With an idempotency key the change and its mark commit together, so that a repeat, whenever the first one died, finds the value as it is now. */
    apply: (
      context: Context,
      { key, ...place }: KeyedPlace,
      { change, idempotencyKey }: { change: WorkingChange; idempotencyKey?: string | undefined },
    ) =>
      write(context, place, async (tx, scopeKey) => {
        const request = idempotencyKey === undefined ? undefined : `${context.principal.id}/${idempotencyKey}`
        for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
          const before = await lockWorking(tx, scopeKey, key)
          const isRepeat = before && request !== undefined && (await wasApplied(tx, scopeKey, key, request))
          if (isRepeat) return viewWorking(before)
          const item = {
            ...writerOf(context),
            ...{ scopeKey, key, keep: before?.keep ?? false, ttlMs: change.ttlMs, keepsEnd: true },
            value: changedValue(before?.value, change),
          }
          assertSize(item.value)
          await assertRoom(tx, item, limits)
          const row = await putWorking(tx, item, before?.version ?? 0)
          if (row !== undefined) {
            if (request !== undefined) await markApplied(tx, row, request)
            return viewWorking(row)
          }
        }
        throw commonProblems.conflict.create(`"${key}" was made and deleted by others again and again`)
      }),
  }
}

export type WorkingService = ReturnType<typeof createWorkingService>

const scopeOf = ({ scopeType, scopeId }: WorkingPlace): Scope =>
  scopeType === 'plan' ? { type: 'plan', id: scopeId } : { type: 'user' }

export const writerOf = (context: Context) => ({ ownerId: ownerIdOf(context), writer: context.principal.id })

const missing = (key: string): never => {
  throw commonProblems.notFound.create(`no working item "${key}"`)
}

async function conflict(
  tx: Transaction,
  item: { scopeKey: string; key: string },
  expected: number | undefined,
): Promise<never> {
  const version = (await findWorking(tx, item.scopeKey, item.key))?.version ?? 0
  throw commonProblems.versionConflict.create(`"${item.key}" has the version ${version}, not ${expected}`, { version })
}

const MAX_VALUE_BYTES = 262_144

/** What a change made may be larger than what a request may hold. */
function assertSize(value: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > MAX_VALUE_BYTES)
    throw commonProblems.payloadTooLarge.create(
      `the value would have ${bytes} bytes; at most ${MAX_VALUE_BYTES} are kept`,
      {
        limitBytes: MAX_VALUE_BYTES,
      },
    )
}

async function assertRoom(tx: Transaction, item: WorkingWrite, limits: WorkingDependencies['limits']): Promise<void> {
  const { keys, bytes } = await measureWorking(tx, item.scopeKey, item.key)
  if (keys + 1 > limits.workingMaxKeys)
    throw memoryProblems.quotaExceeded.create(`${limits.workingMaxKeys} keys are kept in this scope; no more are taken`)
  if (bytes + Buffer.byteLength(JSON.stringify(item.value)) > limits.workingMaxBytes)
    throw memoryProblems.quotaExceeded.create(
      `${limits.workingMaxBytes} bytes are kept in this scope; no more are taken`,
    )
}

const viewWorking = (row: WorkingRow): WorkingItem =>
  withoutUndefined({
    scope: scopeOfKey(row.scope_key),
    key: row.key,
    value: row.value,
    keep: row.keep,
    version: row.version,
    writer: row.writer,
    updatedAt: row.updated_at.toISOString(),
    expiresAt: row.expires_at?.toISOString(),
  }) as WorkingItem
