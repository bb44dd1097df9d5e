import {
  type Clock,
  commonProblems,
  type Context,
  decodeCursor,
  type ModuleDatabase,
  type StreamFrame,
  toId,
  toPage,
  toUuid,
} from '@soma/kernel'
import { type Gate, gateCommented } from '../../contract/index.ts'
import { attributesOf, endGate } from './close.ts'
import { openGateOf } from './decide.ts'
import type { GateChanges } from './gate-changes.ts'
import { viewGates } from './gate-view.ts'
import { addComment, findGate, type GateRow, listChanges, listGates, touchGate } from './store.ts'

/** How late a change made by another process may show in a stream. */
const POLL_MS = 1000
const STREAM_SLICE = 100

export interface GateServiceDependencies {
  readonly database: ModuleDatabase
  readonly changes: GateChanges
  readonly clock: Clock
}

export interface GateQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly mine?: boolean | undefined
  readonly status?: string | undefined
  readonly kind?: string | undefined
  readonly planId?: string | undefined
}

/** Reading gates, talking at them and closing them without a decision. */
export function createGateService({ database, changes, clock }: GateServiceDependencies) {
  const change = async (
    context: Context,
    gateId: string,
    work: (tx: Parameters<Parameters<ModuleDatabase['transaction']>[1]>[0], row: GateRow) => Promise<void>,
  ) => {
    const gate = await database.transaction(context, async (tx) => {
      const row = await openGateOf(tx, gateId)
      await work(tx, row)
      return (await viewGates(tx, [(await findGate(tx, row.id)) as GateRow], clock))[0] as Gate
    })
    changes.announce(context.tenantId)
    return gate
  }

  return {
    get: (context: Context, gateId: string): Promise<Gate> =>
      database.transaction(context, async (tx) => {
        const id = toUuid('gate', gateId)
        const row = id === undefined ? undefined : await findGate(tx, id)
        if (row === undefined) throw commonProblems.notFound.create(`no gate ${gateId}`)
        return (await viewGates(tx, [row], clock))[0] as Gate
      }),

    list: (context: Context, query: GateQuery) =>
      database.transaction(context, async (tx) => {
        const { id: principalId, roles } = context.principal
        const before = decodeCursor(query.cursor, ['time', 'uuid'])
        const rows = await listGates(tx, {
          ...query,
          limit: query.limit + 1,
          before,
          voter: query.mine === true ? { principalId, roles } : undefined,
        })
        const page = toPage(rows, query.limit, {
          item: (row) => row,
          key: (row) => [row.opened_at.toISOString(), row.id],
        })
        return { ...page, items: await viewGates(tx, page.items, clock) }
      }),

    comment: (context: Context, gateId: string, text: string): Promise<Gate> =>
      change(context, gateId, async (tx, row) => {
        const principalId = context.principal.id
        await addComment(tx, row.id, { principalId, text, at: clock.now().toISOString() })
        await touchGate(tx, row.id)
        tx.emit(
          gateCommented,
          { gateId: toId('gate', row.id), principalId, what: 'comment', round: row.round },
          attributesOf(row),
        )
      }),

    cancel: (context: Context, gateId: string, reason: string): Promise<Gate> =>
      change(context, gateId, (tx, row) =>
        endGate(tx, row, {
          outcome: 'cancelled',
          decidedBy: [context.principal.id],
          payloadHash: row.payload_hash,
          instructions: reason === '' ? undefined : reason,
        }),
      ),

    stream: (context: Context, options: StreamOptions): AsyncIterable<StreamFrame<'gate', Gate>> =>
      streamGates({ database, changes, clock }, context, options),
  }
}

interface StreamOptions {
  readonly planId?: string | undefined
  readonly lastEventId?: string | undefined
  readonly signal: AbortSignal
}

/** Without a cursor it begins with every open gate; then each gate whenever it changes. A gate that changed twice while the reader was away comes once, as it is now. */
async function* streamGates(
  { database, changes, clock }: GateServiceDependencies,
  context: Context,
  { planId, lastEventId, signal }: StreamOptions,
): AsyncGenerator<StreamFrame<'gate', Gate>> {
  let after = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) : 0
  while (!signal.aborted) {
    const woken = changes.next(context.tenantId, { timeoutMs: POLL_MS, signal })
    const { rows, gates } = await database.transaction(context, async (tx) => {
      const changed = await listChanges(tx, { after, planId, limit: STREAM_SLICE })
      return { rows: changed, gates: await viewGates(tx, changed, clock) }
    })
    for (const [index, gate] of gates.entries()) {
      after = (rows[index] as GateRow).change_seq
      yield { id: String(after), event: 'gate', data: gate }
    }
    if (rows.length < STREAM_SLICE) await woken
  }
}
