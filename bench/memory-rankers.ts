import type { Context } from '@soma/kernel'
import {
  aMember,
  createMemorySteps,
  type MemoryBench,
  openMemoryBench,
  type Ranker,
  type Turn,
} from '@soma/memory/testing'
import { testContext } from '@soma/server/testing'
import { type BenchServer, openBenchServer } from './bench-module.ts'
import type { Store } from './stores.ts'

interface OpenRankers {
  readonly rankerOf: (turns: readonly Turn[]) => Promise<Ranker>
  readonly close: () => Promise<void>
}

const BATCH = 200

/** `memory.items.recall` over facts of one user a conversation: a turn with a slot takes it, others stand for themselves. */
export async function openPlatformRankers(): Promise<OpenRankers> {
  const bench = await openMemoryBench()
  const { remember } = createMemorySteps(() => bench)
  let users = 0
  return {
    close: () => bench.close(),
    rankerOf: async (turns) => {
      const user = aMember({ id: `usr_${++users}`, tenantId: `quality-${users}` })
      const ids = new Map<string, string>()
      for (let start = 0; start < turns.length; start += BATCH) {
        const batch = turns.slice(start, start + BATCH)
        const results = await remember(user, ...batch.map(factOf))
        for (const [index, { id }] of results.entries()) ids.set(id as string, (batch[index] as Turn).id)
      }
      await bench.settle()
      return recalling(bench, user, ids)
    },
  }
}

const factOf = ({ id, text, at, slot }: Turn) => ({
  ...{ content: text, validFrom: at, metadata: { turn: id } },
  ...(slot ?? { externalId: id }),
})

const recalling = ({ memory }: MemoryBench, user: Context, ids: ReadonlyMap<string, string>): Ranker => ({
  find: async ({ text }, limit) => {
    const { hits } = await memory.items.recall(user, { body: { query: text, kinds: ['fact'], limit } })
    return hits.map(({ item, relevance }) => ({ id: ids.get(item.id) ?? item.id, text: item.content, relevance }))
  },
})

/** How words of a question are joined: all must be there, or any. */
export type FullText = 'AND' | 'OR'

/** What Postgres has without memory: `to_tsvector('english')` and `ts_rank_cd` over the turns. It says of nothing how sure it is. */
export async function openFullTextRankers(store: Store, joined: FullText): Promise<OpenRankers> {
  const bench: BenchServer = await openBenchServer(store)
  let conversations = 0
  return {
    close: () => bench.server.stop(),
    rankerOf: async (turns) => {
      const context = testContext({ tenantId: `full-text-${++conversations}` })
      await bench.module.transaction(context, async (tx) => {
        for (const { text } of turns)
          await tx.execute('insert into bench.rows (tenant_id, text) values ($1, $2)', [context.tenantId, text])
      })
      const ids = new Map(turns.map(({ id, text }) => [text, id]))
      const query = joined === 'AND' ? "plainto_tsquery('english', $1)" : ANY_WORD
      return {
        find: async ({ text }, limit) => {
          const rows = await bench.module.transaction(context, (tx) =>
            tx.query<{ text: string }>(
              `select text from bench.rows, lateral (select ${query} as q) asked where to_tsvector('english', text) @@ q
               order by ts_rank_cd(to_tsvector('english', text), q) desc, id limit $2`,
              [text, limit],
            ),
          )
          return rows.map((row) => ({ id: ids.get(row.text) ?? '', text: row.text, relevance: 1 }))
        },
      }
    },
  }
}

const ANY_WORD = "replace(plainto_tsquery('english', $1)::text, '&', '|')::tsquery"
