import { type Context, commonProblems, decodeCursor, toPage, type Transaction, uuidOf } from '@soma/kernel'
import type { Episode, EpisodeInput } from '../../contract/index.ts'
import { findEpisode } from '../items/read-store.ts'
import type { Remember } from '../items/remember.ts'
import type { EpisodeRow } from '../items/rows.ts'
import { viewEpisode } from '../items/views.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { planKey } from '../scopes/scope-keys.ts'
import { listInOrder, readNeighbours } from './read-store.ts'

interface EpisodeQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  readonly planId?: string | undefined
  readonly role?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly order: 'newest' | 'oldest'
}

/** Episodes one by one, in time. */
export function createEpisodeService({ memory, remember }: { memory: MemoryDatabase; remember: Remember }) {
  const get = (context: Context, episodeId: string, planId: string | undefined): Promise<Episode> =>
    memory.inScopes(context, [planId], async (tx) => viewEpisode(await readEpisode(tx, episodeId)))

  return {
    create: async (context: Context, input: EpisodeInput, newId: (prefix: string) => string): Promise<Episode> => {
      const [result] = await remember(context, [{ kind: 'episode', ...input }], { atomic: true, newId })
      if (result?.id === undefined) throw new TypeError('an episode that was stored has an id')
      return get(context, result.id, input.scope.type === 'plan' ? input.scope.id : undefined)
    },
    get,
    list: (context: Context, query: EpisodeQuery) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const place = decodeCursor(query.cursor, ['time', 'integer'])
        const filter = {
          ...{ agentId: query.agentId ?? null, sessionId: query.sessionId ?? null, role: query.role ?? null },
          ...{ planId: query.planId ?? null, planScope: query.planId === undefined ? null : planKey(query.planId) },
          ...{ from: query.from ?? null, to: query.to ?? null },
        }
        const rows = await listInOrder(tx, filter, {
          limit: query.limit + 1,
          place,
          isNewestFirst: query.order === 'newest',
        })
        return toPage(rows, query.limit, { item: viewEpisode, key: (row) => [row.occurred_at.toISOString(), row.seq] })
      }),
    window: (
      context: Context,
      episodeId: string,
      query: { planId?: string | undefined; before: number; after: number },
    ) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const row = await readEpisode(tx, episodeId)
        const [before, after] = [
          await readNeighbours(tx, row, -query.before),
          await readNeighbours(tx, row, query.after),
        ]
        return { items: [...before.toReversed(), row, ...after].map(viewEpisode) }
      }),
  }
}

async function readEpisode(tx: Transaction, episodeId: string): Promise<EpisodeRow> {
  const row = await findEpisode(tx, uuidOf('epi', episodeId))
  if (row === undefined) throw commonProblems.notFound.create(`no item ${episodeId}`)
  return row
}
