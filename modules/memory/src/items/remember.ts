import {
  type Clock,
  type Context,
  commonProblems,
  type FieldError,
  isProblem,
  type Problem,
  problemSummary,
  type Transaction,
} from '@soma/kernel'
import {
  type EpisodeInput,
  type FactInput,
  memoryProblems,
  type RememberItem,
  type RememberResult,
  type Scope,
} from '../../contract/index.ts'
import { lockKeysOfEpisode, type PreparedEpisode } from '../episodes/store.ts'
import { lockKeys, lockKeysOf, type PreparedFact } from '../facts/store.ts'
import { lockKeyOfProcedure, type PreparedProcedure } from '../procedures/store.ts'
import type { SecretPolicy } from '../lexical/mask-secrets.ts'
import { assertOpen, type MemoryDatabase } from '../scopes/memory-database.ts'
import { scopeKeyOf, scopeOfKey } from '../scopes/scope-keys.ts'
import { type WorkingService, writerOf } from '../working/service.ts'
import { prepareItem, prepareProcedure } from './prepare.ts'
import { assertItemRoom, type ItemLimits } from './quota.ts'
import { createItemWriter, type ItemWriter } from './write.ts'

export interface RememberDependencies {
  readonly memory: MemoryDatabase
  readonly working: WorkingService
  readonly clock: Clock
  readonly secretPolicy: SecretPolicy
  readonly limits: ItemLimits
}

/** An item that is ready to be stored. */
type Ready =
  | { readonly kind: 'fact'; readonly fact: PreparedFact }
  | { readonly kind: 'episode'; readonly episode: PreparedEpisode }
  | { readonly kind: 'procedure'; readonly procedure: PreparedProcedure }
  | { readonly kind: 'working'; readonly item: Extract<RememberItem, { kind: 'working' }>; readonly scopeKey: string }

interface Entry {
  readonly index: number
  readonly scope: Scope
  readonly ready: Ready
}

const AHEAD_MS = 300_000
const UNIQUE_VIOLATION = '23505'

/** Stores items of all kinds, whole batches or each for itself. */
export function createRemember({ memory, working, clock, secretPolicy, limits }: RememberDependencies) {
  /** @throws whatever the item cannot be stored for */
  async function prepare(context: Context, item: RememberItem, newId: (prefix: string) => string): Promise<Ready> {
    await memory.assertWritable(context, item.scope)
    const options = { context, secretPolicy, newId }
    switch (item.kind) {
      case 'working':
        return { kind: 'working', item, scopeKey: scopeKeyOf(context, item.scope) }
      case 'episode': {
        const { kind: _kind, ...input } = item
        assertNotAhead(input, clock)
        return { kind: 'episode', episode: prepareItem<EpisodeInput>(input, 'epi', options) }
      }
      case 'procedure': {
        const { kind: _kind, ...input } = item
        return { kind: 'procedure', procedure: prepareProcedure(input, options) }
      }
      default: {
        const { kind: _kind, ...input } = item
        return { kind: 'fact', fact: prepareItem<FactInput>(input, 'fact', options) }
      }
    }
  }

  async function storeOne(
    by: { tx: Transaction; writer: ItemWriter; context: Context },
    { index, ready }: Entry,
  ): Promise<RememberResult> {
    if (ready.kind === 'fact') return { index, ...(await by.writer.fact(ready.fact)) }
    if (ready.kind === 'episode') return { index, ...(await by.writer.episode(ready.episode)) }
    if (ready.kind === 'procedure') return { index, ...(await by.writer.procedure(ready.procedure)) }
    const { key, value, ttlMs, keep } = ready.item
    const row = await working.store(by.tx, {
      ...writerOf(by.context),
      scopeKey: ready.scopeKey,
      key,
      value,
      ttlMs,
      keep,
    })
    return {
      index,
      kind: 'working',
      outcome: row.version === 1 ? 'stored' : 'replaced',
      version: row.version,
      replacedIds: [],
      warnings: [],
    }
  }

  /** All of these in one transaction. A problem of one says which by its pointer. */
  async function storeTogether(context: Context, entries: readonly Entry[]): Promise<RememberResult[]> {
    const planIds = entries.flatMap(({ scope }) => (scope.type === 'plan' ? [scope.id] : []))
    return memory.inScopes(context, planIds, async (tx) => {
      await assertOpen(tx, planIds)
      await assertItemRoom(tx, context, entries.filter(({ ready }) => ready.kind !== 'working').length, limits)
      await lockKeys(tx, entries.flatMap(keysOf))
      const by = { tx, writer: createItemWriter(tx), context }
      const results: RememberResult[] = []
      for (const entry of entries) {
        try {
          results.push(await storeOne(by, entry))
        } catch (error) {
          throw atItem(error, entry)
        }
      }
      return results
    })
  }

  return async (
    context: Context,
    items: readonly RememberItem[],
    options: { atomic: boolean; newId: (prefix: string) => string },
  ): Promise<RememberResult[]> => {
    const entries: Entry[] = []
    const refused: { index: number; problem: Problem; item: RememberItem }[] = []
    for (const [index, item] of items.entries()) {
      try {
        entries.push({ index, scope: item.scope, ready: await prepare(context, item, options.newId) })
      } catch (error) {
        if (!isProblem(error)) throw error
        refused.push({ index, problem: error, item })
      }
    }
    if (options.atomic) {
      if (refused.length > 0) throw together(refused)
      return storeTogether(context, entries)
    }
    const results = refused.map(({ index, problem, item }) => refusal(index, item.kind ?? 'fact', problem))
    for (const entry of entries) {
      try {
        results.push(...(await storeTogether(context, [entry])))
      } catch (error) {
        if (!isProblem(error)) throw error
        results.push(refusal(entry.index, entry.ready.kind, error))
      }
    }
    return results.toSorted((left, right) => left.index - right.index)
  }
}

export type Remember = ReturnType<typeof createRemember>

function keysOf({ ready }: Entry): string[] {
  if (ready.kind === 'fact') return lockKeysOf(ready.fact)
  if (ready.kind === 'episode') return lockKeysOfEpisode(ready.episode)
  return ready.kind === 'procedure' ? [lockKeyOfProcedure(ready.procedure)] : []
}

function assertNotAhead({ occurredAt }: EpisodeInput, clock: Clock): void {
  if (occurredAt === undefined || Date.parse(occurredAt) <= clock.now().getTime() + AHEAD_MS) return
  throw commonProblems.invalidRequest.create(`occurredAt ${occurredAt} is more than 5 minutes ahead`, {
    errors: [{ pointer: '/body/occurredAt', code: 'ahead', detail: 'must be at most 5 minutes ahead' }],
  })
}

/** Under the lock of its key, a row that is in the way is one that this caller may not change. */
function atItem(error: unknown, { index, ready }: Entry): unknown {
  const errors = [
    { pointer: `/body/items/${index}`, code: 'refused', detail: error instanceof Error ? error.message : '' },
  ]
  if ((error as { code?: unknown }).code === UNIQUE_VIOLATION && ready.kind === 'fact')
    return memoryProblems.keyTaken.create(
      `somebody else keeps the key of item ${index} in the scope ${scopeOfKey(ready.fact.scopeKey).type}`,
      {
        errors: [{ pointer: `/body/items/${index}`, code: 'memory-key-taken', detail: 'belongs to somebody else' }],
      },
    )
  if (!isProblem(error)) return error
  return Object.assign(error, { extensions: { errors, ...error.extensions } })
}

const refusal = (index: number, kind: RememberResult['kind'], problem: Problem): RememberResult => ({
  index,
  kind,
  outcome: 'refused',
  replacedIds: [],
  warnings: [],
  problem: problemSummary(problem),
})

/** One problem for a batch: that of its first bad item, with a pointer for each. */
function together(refused: readonly { index: number; problem: Problem }[]): Problem {
  const [first] = refused
  const errors = refused.flatMap(({ index, problem }): FieldError[] => {
    const own = problem.extensions.errors ?? [{ pointer: '/body', code: problem.code, detail: problem.message }]
    return own.map((error) => ({ ...error, pointer: error.pointer.replace('/body', `/body/items/${index}`) }))
  })
  const { problem } = first as { problem: Problem }
  return Object.assign(problem, { extensions: { ...problem.extensions, errors } })
}
