import type { Transaction } from '@soma/kernel'
import { memoryForgotten } from '../../contract/index.ts'
import { idOfItem } from '../items/item-ids.ts'
import { uncountItems } from '../lexicon/count.ts'
import {
  deleteBareSources,
  deleteNodes,
  deleteScopes,
  ownersOf,
  type Selected,
  selectByOwners,
  sourcesOf,
} from './store.ts'

export type ForgetCause = 'request' | 'plan-ended' | 'principal-erased' | 'tenant-deleting'

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** Erases these items with their words, links and bare sources, as the worker, and says so. At most 1,000 at a time. */
export async function eraseItems(tx: Transaction, items: readonly Selected[], cause: ForgetCause): Promise<number> {
  if (items.length === 0) return 0
  const ids = items.map(({ id }) => id)
  await uncountItems(tx, ids)
  const sources = await sourcesOf(tx, ids)
  const erased = await deleteNodes(tx, ids)
  await deleteBareSources(tx, sources)
  tx.emit(memoryForgotten, {
    cause,
    itemIds: items.map(({ kind, id }) => idOfItem(kind, id)),
    counts: countsOf(items),
  })
  return erased
}

export function countsOf(items: readonly Selected[]): Record<string, number> {
  const of = (wanted: Selected['kind']) => items.filter(({ kind }) => kind === wanted).length
  return { facts: of('fact'), episodes: of('episode'), procedures: of('procedure') }
}

/** Everything that one person wrote, in every scope, and the words of its own scopes. `owners`: `<space>/<person>`, as rows name it. */
export async function erasePeople(tx: Transaction, owners: readonly string[], cause: ForgetCause): Promise<void> {
  for (let after = NO_ID; ; ) {
    const batch = await selectByOwners(tx, owners, after)
    await eraseItems(tx, batch, cause)
    const last = batch.at(-1)
    if (last === undefined) break
    after = last.id
  }
  await deleteScopes(
    tx,
    owners.map((owner) => `user:${owner}`),
  )
}

/** A principal that was erased, in every space of the tenant. */
export const erasePrincipal = async (tx: Transaction, encodedId: string): Promise<void> =>
  erasePeople(tx, await ownersOf(tx, encodedId), 'principal-erased')
