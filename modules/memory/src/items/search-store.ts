import type { Transaction } from '@soma/kernel'
import type { ItemKind } from '../../contract/index.ts'

export interface Candidate {
  readonly id: string
  readonly kind: ItemKind
  /** Its score by words; 0 where the newest were asked for. */
  readonly overlap: number
  /** The weight of those terms of the query that it has. */
  readonly share: number
}

export interface Search {
  /** Undefined: the newest items. */
  readonly words:
    | {
        readonly dimensions: readonly number[]
        readonly weights: readonly number[]
        readonly sparse: string
        readonly rare: readonly number[]
      }
    | undefined
  readonly kinds: readonly ItemKind[]
  /** Default: all that are read. */
  readonly scopeKeys: readonly string[] | undefined
  readonly isPast: boolean
  readonly exactLimit: number
}

/** The best `pool` items of the scopes that the transaction has entered. */
export const searchItems = (tx: Transaction, search: Search, pool: number): Promise<Candidate[]> =>
  tx.query<Candidate>(
    'select id, kind, overlap, share from memory.search($1::int4[], $2::float8[], $3::sparsevec, $4::int4[], $5::text[], $6::text[], $7, $8, $9)',
    [
      search.words?.dimensions ?? [],
      search.words?.weights ?? [],
      search.words?.sparse ?? null,
      search.words?.rare ?? [],
      search.kinds,
      search.scopeKeys ?? null,
      search.isPast,
      pool,
      search.exactLimit,
    ],
  )

export interface Frequencies {
  /** Items of the scopes that are read. */
  readonly documents: number
  readonly frequencies: ReadonlyMap<string, number>
}

const FREQUENCIES = `select term, sum(documents)::int8 as documents from memory.lexicon
  where tenant_id = memory.tenant() and scope_key = any (memory.reads()) and term = any ($1) group by term`
const DOCUMENTS = `select coalesce(sum(items), 0)::int8 as documents from memory.scope_counts where tenant_id = memory.tenant() and scope_key = any (memory.reads())`

/** In how many readable items these terms are. Nothing of another scope is in the sums (MEM-R23). */
export async function readFrequencies(tx: Transaction, terms: readonly string[]): Promise<Frequencies> {
  const rows = await tx.query<{ term: string; documents: number }>(FREQUENCIES, [terms])
  const [all] = await tx.query<{ documents: number }>(DOCUMENTS)
  return { documents: all?.documents ?? 0, frequencies: new Map(rows.map(({ term, documents }) => [term, documents])) }
}

const MAX_CANDIDATES = 200

// Of one error, or two in a long word, either the first or the last part of a word is free: both ends are ranges of an index.
const SIMILAR = `select term from (
    (select term, documents from memory.lexicon where tenant_id = memory.tenant() and scope_key = any (memory.reads())
      and term >= $1 and term < $2 and length(term) between $5 - 2 and $5 + 2 order by documents desc, term limit ${MAX_CANDIDATES})
    union all
    (select term, documents from memory.lexicon where tenant_id = memory.tenant() and scope_key = any (memory.reads())
      and mirrored >= $3 and mirrored < $4 and length(term) between $5 - 2 and $5 + 2 order by documents desc, term limit ${MAX_CANDIDATES})) found
  group by term order by sum(documents) desc, term`

/** Words of readable items that begin or end like this one, frequent ones first. */
export async function readSimilarWords(tx: Transaction, word: string): Promise<string[]> {
  const letters = Array.from(word)
  const half = Math.max(2, Math.floor(letters.length / 2) - 1)
  const [head, tail] = [letters.slice(0, half).join(''), letters.toReversed().slice(0, half).join('')]
  const rows = await tx.query<{ term: string }>(SIMILAR, [head, after(head), tail, after(tail), letters.length])
  return rows.map(({ term }) => term)
}

/** Greater than every text that begins like this, in the order of bytes. */
const after = (prefix: string): string => `${prefix}\u{10ffff}`
