import type { Transaction } from '@soma/kernel'
import type { Item, ItemKind } from '../../contract/index.ts'
import {
  type EpisodeRow,
  type FactRow,
  type ProcedureRow,
  SELECT_EPISODE,
  SELECT_FACT,
  SELECT_PROCEDURE,
} from './rows.ts'
import { viewEpisode, viewFact, viewProcedure } from './views.ts'

/** What ended is not read any more, whether it was swept or not (MEM-R30). */
export const NOT_EXPIRED = 'and (i.expires_at is null or i.expires_at > statement_timestamp())'

export const findFact = async (tx: Transaction, id: string): Promise<FactRow | undefined> =>
  (await tx.query<FactRow>(`${SELECT_FACT} and i.id = $1 ${NOT_EXPIRED}`, [id]))[0]

export const findEpisode = async (tx: Transaction, id: string): Promise<EpisodeRow | undefined> =>
  (await tx.query<EpisodeRow>(`${SELECT_EPISODE} and i.id = $1 ${NOT_EXPIRED}`, [id]))[0]

export const findProcedure = async (tx: Transaction, id: string): Promise<ProcedureRow | undefined> =>
  (await tx.query<ProcedureRow>(`${SELECT_PROCEDURE} and i.id = $1 ${NOT_EXPIRED}`, [id]))[0]

/** Items by id, those that the caller may read. */
export async function readItems(
  tx: Transaction,
  of: readonly { id: string; kind: ItemKind }[],
): Promise<Map<string, Item>> {
  const ids = (kind: ItemKind) => of.filter((one) => one.kind === kind).map(({ id }) => id)
  const [facts, episodes, procedures] = [ids('fact'), ids('episode'), ids('procedure')]
  const found = new Map<string, Item>()
  if (facts.length > 0)
    for (const row of await tx.query<FactRow>(`${SELECT_FACT} and i.id = any ($1) ${NOT_EXPIRED}`, [facts]))
      found.set(row.id, viewFact(row))
  if (episodes.length > 0)
    for (const row of await tx.query<EpisodeRow>(`${SELECT_EPISODE} and i.id = any ($1) ${NOT_EXPIRED}`, [episodes]))
      found.set(row.id, viewEpisode(row))
  if (procedures.length > 0)
    for (const row of await tx.query<ProcedureRow>(`${SELECT_PROCEDURE} and i.id = any ($1) ${NOT_EXPIRED}`, [
      procedures,
    ]))
      found.set(row.id, viewProcedure(row))
  return found
}
