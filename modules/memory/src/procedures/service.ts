import {
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  toPage,
  type Transaction,
  uuidOf,
} from '@soma/kernel'
import {
  memoryActivated,
  memoryProblems,
  memoryWritten,
  type Procedure,
  type ProcedureInput,
} from '../../contract/index.ts'
import { lockKeys } from '../facts/store.ts'
import { listProcedures } from '../items/list-store.ts'
import { findProcedure, readItems } from '../items/read-store.ts'
import type { Remember } from '../items/remember.ts'
import type { ProcedureRow } from '../items/rows.ts'
import { viewProcedure } from '../items/views.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { scopeOfKey } from '../scopes/scope-keys.ts'
import { countUses, findActive, lockKeyOf, type ProcedureKey, setStatus } from './store.ts'

export interface ProcedureDependencies {
  readonly memory: MemoryDatabase
  readonly database: ModuleDatabase
  readonly remember: Remember
}

interface ProcedureQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly planId?: string | undefined
  readonly scope?: string | undefined
  readonly agentId?: string | undefined
  readonly name?: string | undefined
  readonly type?: string | undefined
  readonly status?: string | undefined
  readonly tag?: string | undefined
}

type PlanId = string | undefined

/**
 * Versions of procedures. draft → active ⇄ retired, draft → retired. Of one name in a scope for an agent at most one is active; activating another retires it. What a version says never changes.
 */
export function createProcedureService({ memory, database, remember }: ProcedureDependencies) {
  const get = (context: Context, procedureId: string, planId: PlanId): Promise<Procedure> =>
    memory.inScopes(context, [planId], async (tx) => viewProcedure(await readProcedure(tx, procedureId)))

  return {
    create: async (context: Context, input: ProcedureInput, newId: (prefix: string) => string): Promise<Procedure> => {
      const [result] = await remember(context, [{ kind: 'procedure', ...input }], { atomic: true, newId })
      if (result?.id === undefined) throw new TypeError('a procedure that was stored has an id')
      return get(context, result.id, input.scope.type === 'plan' ? input.scope.id : undefined)
    },
    get,
    list: (context: Context, query: ProcedureQuery) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const place = decodeCursor(query.cursor, ['time', 'uuid'])
        const filter = {
          ...{ scopeTypes: query.scope === undefined ? null : [query.scope], tag: query.tag ?? null },
          ...{ sourceRef: null, from: null, to: null, agentId: query.agentId ?? null },
          ...{ name: query.name ?? null, type: query.type ?? null, status: query.status ?? null },
        }
        const rows = await listProcedures(tx, filter, { limit: query.limit + 1, place })
        return toPage(rows, query.limit, {
          item: viewProcedure,
          key: (row) => [row.recorded_at.toISOString(), row.id],
        })
      }),
    activate: (context: Context, procedureId: string, planId: PlanId): Promise<Procedure> =>
      decide(context, { procedureId, planId }, async (tx, row) => {
        if (row.status === 'active') return
        const current = await findActive(tx, keyOf(row))
        if (current !== undefined && !(await setStatus(tx, current.id, 'retired'))) throw othersKey(row)
        if (!(await setStatus(tx, row.id, 'active', context.principal.id))) throw othersKey(row)
        emitActivated(tx, { row, previous: current, byId: context.principal.id })
      }),
    retire: (context: Context, procedureId: string, planId: PlanId): Promise<Procedure> =>
      decide(context, { procedureId, planId }, async (tx, row) => {
        if (row.status === 'retired') return
        if (!(await setStatus(tx, row.id, 'retired'))) throw othersKey(row)
        emitRetired(tx, row)
      }),
    /** Counts for versions that the caller may read, also those of another owner. */
    tell: async (
      context: Context,
      body: { itemIds: readonly string[]; outcome: string; planId?: string | undefined },
    ): Promise<undefined> => {
      const ids = [...new Set(body.itemIds.map((id) => uuidOf('proc', id)))]
      await memory.inScopes(context, [body.planId], async (tx) => {
        const seen = await readItems(
          tx,
          ids.map((id) => ({ id, kind: 'procedure' as const })),
        )
        const missing = body.itemIds.find((id) => !seen.has(uuidOf('proc', id)))
        if (missing !== undefined) throw commonProblems.notFound.create(`no item ${missing}`)
      })
      await database.asWorker(context, (tx) => countUses(tx, ids, body.outcome === 'useful'))
    },
  }

  /** Changes the status of a version under the lock of its name. @throws not-found, forbidden, memory-scope-closed, memory-key-taken */
  async function decide(
    context: Context,
    { procedureId, planId }: { procedureId: string; planId: PlanId },
    change: (tx: Transaction, row: ProcedureRow) => Promise<void>,
  ): Promise<Procedure> {
    const { scope } = await get(context, procedureId, planId)
    return memory.toWrite(context, scope, async (tx) => {
      await lockKeys(tx, [lockKeyOf(keyOf(await readProcedure(tx, procedureId)))])
      await change(tx, await readProcedure(tx, procedureId))
      return viewProcedure(await readProcedure(tx, procedureId))
    })
  }
}

const keyOf = (row: ProcedureRow): ProcedureKey => ({
  scopeKey: row.scope_key,
  agentId: row.agent_id,
  name: row.name,
})

async function readProcedure(tx: Transaction, procedureId: string): Promise<ProcedureRow> {
  const row = await findProcedure(tx, uuidOf('proc', procedureId))
  if (row === undefined) throw commonProblems.notFound.create(`no item ${procedureId}`)
  return row
}

const othersKey = ({ name, agent_id, scope_key }: ProcedureRow) =>
  memoryProblems.keyTaken.create(
    `somebody else keeps the procedure ${name} of ${agent_id} in the scope ${scopeOfKey(scope_key).type}`,
  )

function emitActivated(
  tx: Transaction,
  { row, previous, byId }: { row: ProcedureRow; previous: ProcedureRow | undefined; byId: string },
): void {
  const { id, scope, agentId, name, version } = viewProcedure(row)
  const before = previous === undefined ? {} : { previousVersion: previous.version }
  tx.emit(
    memoryActivated,
    { procedureId: id, scope, agentId, name, version, ...before, byId },
    { partitionKey: row.scope_key, ...(scope.type === 'plan' ? { planId: scope.id } : {}) },
  )
}

function emitRetired(tx: Transaction, row: ProcedureRow): void {
  const { id, scope, version, contentHash, source, trust, content } = viewProcedure(row)
  const written = { itemId: id, kind: 'procedure' as const, scope, status: 'retired', outcome: 'touched' as const }
  tx.emit(
    memoryWritten,
    {
      ...{ ...written, version, contentHash, replacedIds: [], trust },
      ...{ sourceKind: source?.kind ?? 'agent', sourceRef: source?.ref ?? '', bytes: Buffer.byteLength(content) },
    },
    { partitionKey: row.scope_key, ...(scope.type === 'plan' ? { planId: scope.id } : {}) },
  )
}
