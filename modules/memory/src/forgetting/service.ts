import { type Context, commonProblems, holds, type ModuleDatabase, type Transaction } from '@soma/kernel'
import { findNodes } from '../links/store.ts'
import { idOfItem, uuidOfItem } from '../items/item-ids.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { encoded, ownerIdOf, personKey, personOf, planKey } from '../scopes/scope-keys.ts'
import { countsOf, eraseItems } from './erase.ts'
import {
  BATCH,
  deleteScopes,
  deleteScopesOfSpace,
  type Selected,
  selectByOwners,
  selectByOwnersOfSpace,
  selectByPlan,
  selectBySession,
  selectBySource,
  selectOwnByIds,
} from './store.ts'

/** Exactly one of them. */
export interface Selector {
  readonly itemIds?: readonly string[] | undefined
  readonly subject?: { readonly userId: string; readonly spaceId?: string | undefined } | undefined
  readonly everyone?: { readonly spaceId?: string | undefined } | undefined
  readonly sessionId?: string | undefined
  readonly planId?: string | undefined
  readonly sourceRef?: string | undefined
}

const NO_ID = '00000000-0000-0000-0000-000000000000'
const MAX_TOLD = 1000

/** Erases what a selector names and the caller may erase, in batches of a transaction each. */
export function createForget({ memory, database }: { memory: MemoryDatabase; database: ModuleDatabase }) {
  /** The next batch after an item: rows that policies let this caller change. */
  async function next(context: Context, selector: Selector, after: string): Promise<Selected[]> {
    const { subject, everyone, planId, sessionId, sourceRef, itemIds = [] } = selector
    if (subject !== undefined)
      return database.asWorker(context, (tx) => selectByOwners(tx, [ownerOf(context, subject)], after))
    if (everyone !== undefined)
      return database.asWorker(context, (tx) => selectByOwnersOfSpace(tx, spaceOf(everyone), after))
    return memory.inScopes(context, [planId], (tx) => {
      if (planId !== undefined) return selectByPlan(tx, { planId, scopeKey: planKey(planId) }, after)
      if (sessionId !== undefined) return selectBySession(tx, sessionId, after)
      if (sourceRef !== undefined) return selectBySource(tx, sourceRef, after)
      return after === NO_ID ? selectNamed(tx, itemIds) : Promise.resolve([])
    })
  }

  return async (context: Context, body: { select: Selector; dryRun: boolean }) => {
    const { select, dryRun } = body
    if (select.subject !== undefined) assertMaySubject(context, select.subject)
    if (select.everyone !== undefined) assertMayEveryone(context, select.everyone)
    const counts: Record<string, number> = { facts: 0, episodes: 0, procedures: 0 }
    const itemIds: string[] = []
    for (let after = NO_ID; ; ) {
      const batch = await next(context, select, after)
      if (!dryRun) await database.asWorker(context, (tx) => eraseItems(tx, batch, 'request'))
      for (const [kind, more] of Object.entries(countsOf(batch))) counts[kind] = (counts[kind] ?? 0) + more
      itemIds.push(...batch.slice(0, MAX_TOLD - itemIds.length).map(({ kind, id }) => idOfItem(kind, id)))
      const last = batch.at(-1)
      if (last === undefined || batch.length < BATCH) break
      after = last.id
    }
    if (select.subject !== undefined && !dryRun) {
      const scopeKey = `user:${ownerOf(context, select.subject)}`
      counts['working'] = await database.asWorker(context, (tx) => deleteScopes(tx, [scopeKey]))
    }
    if (select.everyone !== undefined && !dryRun) {
      const space = spaceOf(select.everyone)
      counts['working'] = await database.asWorker(context, (tx) => deleteScopesOfSpace(tx, space))
    }
    return { dryRun, counts, itemIds }
  }
}

const ownerOf = (context: Context, { userId, spaceId }: { userId: string; spaceId?: string | undefined }): string =>
  personKey(spaceId ?? context.spaceId, userId).slice('user:'.length)

/** Oneself, or anybody for who manages: who is bound to a space manages there alone. @throws forbidden */
function assertMaySubject(context: Context, subject: { userId: string; spaceId?: string | undefined }): void {
  const isSelf = subject.userId === personOf(context) && ownerOf(context, subject) === ownerIdOf(context)
  const isInReach = context.spaceId === '' || (subject.spaceId ?? context.spaceId) === context.spaceId
  if (isSelf || (isInReach && holds(context.principal, 'memory:manage'))) return
  throw commonProblems.forbidden.create('erasing what another person wrote needs the capability "memory:manage"', {
    capability: 'memory:manage',
  })
}

/** As rows name it; null: every one. */
const spaceOf = ({ spaceId }: { spaceId?: string | undefined }): string | null =>
  spaceId === undefined ? null : encoded(spaceId)

/** Who manages: who is bound to a space there alone. @throws forbidden */
function assertMayEveryone(context: Context, { spaceId }: { spaceId?: string | undefined }): void {
  const isInReach = context.spaceId === '' || spaceId === context.spaceId
  if (isInReach && holds(context.principal, 'memory:manage')) return
  throw commonProblems.forbidden.create('erasing what everyone wrote needs the capability "memory:manage"', {
    capability: 'memory:manage',
  })
}

/** @throws not-found for one that the caller cannot see, forbidden for one that it may not erase */
async function selectNamed(tx: Transaction, itemIds: readonly string[]): Promise<Selected[]> {
  const ids = [...new Set(itemIds)]
  const uuids = ids.map(uuidOfItem)
  const own = await selectOwnByIds(tx, uuids)
  if (own.length === new Set(uuids).size) return own
  const seen = new Set((await findNodes(tx, uuids)).map(({ id }) => id))
  const missing = ids.find((id) => !seen.has(uuidOfItem(id)))
  if (missing !== undefined) throw commonProblems.notFound.create(`no item ${missing}`)
  throw commonProblems.forbidden.create(
    'some of these items are somebody else\'s: erasing them needs the capability "memory:manage"',
    {
      capability: 'memory:manage',
    },
  )
}
