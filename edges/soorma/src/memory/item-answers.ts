import type { Item } from '@soma/memory/contract'
import type { Caller } from '../wire/route.ts'
import { naiveTime } from './foreign-ids.ts'

/** What the answers about all items have. The user is the one who wrote it: `<space>/<user>`, with `/` and `%` escaped. */
export const ownedBy = ({ platformTenant }: Caller, { id, ownerId, recordedAt }: Item) => ({
  id,
  tenantId: platformTenant,
  userId: (ownerId.split('/')[1] ?? '').replaceAll('%2F', '/').replaceAll('%25', '%'),
  createdAt: naiveTime(new Date(recordedAt)),
})

/** Scores between 0 and 1 that fall as the ranking does: that of the first is its share of the words asked for, the others' are in proportion. */
export function scoresOf(hits: readonly { readonly score: number; readonly relevance: number }[]): number[] {
  const [best] = hits
  return hits.map(({ score }) => (best === undefined || best.score === 0 ? 0 : (best.relevance * score) / best.score))
}
