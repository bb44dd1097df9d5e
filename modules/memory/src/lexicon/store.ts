import type { Transaction } from '@soma/kernel'
import type { ItemKind } from '../../contract/index.ts'

/** An item whose words enter or leave the statistics. */
export interface CountedRow {
  readonly id: string
  readonly kind: ItemKind
  readonly scope_key: string
  readonly content: string
  readonly language: string
}

const CONTENT = `select t.item_id as id, t.kind, t.scope_key, coalesce(f.content, e.content, concat_ws(E'\\n', p.name, p.trigger, p.content)) as content, coalesce(f.language, e.language, p.language) as language
  from memory.item_terms t
  left join memory.facts f on f.tenant_id = t.tenant_id and f.id = t.item_id
  left join memory.episodes e on e.tenant_id = t.tenant_id and e.id = t.item_id
  left join memory.procedures p on p.tenant_id = t.tenant_id and p.id = t.item_id
  where t.tenant_id = memory.tenant() and t.item_id = any ($1)`

const MARK = `update memory.item_terms set counted = true where tenant_id = memory.tenant() and item_id = $1 and not counted`

/** Marks an item as counted; undefined when it was, or is gone. */
export async function takeUncounted(tx: Transaction, id: string): Promise<CountedRow | undefined> {
  if ((await tx.execute(MARK, [id])) === 0) return undefined
  return (await tx.query<CountedRow>(CONTENT, [[id]]))[0]
}

/** Items that are counted, locked: whoever counts one of them now waits and then finds it gone. */
export async function readCounted(tx: Transaction, ids: readonly string[]): Promise<CountedRow[]> {
  await tx.query(
    `select from memory.item_terms where tenant_id = memory.tenant() and item_id = any ($1) order by item_id for update`,
    [ids],
  )
  return tx.query<CountedRow>(`${CONTENT} and t.counted`, [ids])
}

const ADD_WORDS = `insert into memory.lexicon as l (tenant_id, scope_key, term, documents)
  select memory.tenant(), $1, u.term, u.documents from unnest($2::text[], $3::int4[]) u(term, documents) order by u.term collate "C"
  on conflict (tenant_id, scope_key, term) do update set documents = l.documents + excluded.documents`
const DROP_WORDS = `delete from memory.lexicon where tenant_id = memory.tenant() and scope_key = $1 and term = any ($2) and documents <= 0`

/** Adds to the numbers of items with these words; what comes to none goes. In one order, so that two writers never wait for each other. */
export async function addWords(tx: Transaction, scopeKey: string, words: ReadonlyMap<string, number>): Promise<void> {
  const terms = [...words.keys()]
  await tx.execute(ADD_WORDS, [scopeKey, terms, [...words.values()]])
  if ([...words.values()].some((more) => more < 0)) await tx.execute(DROP_WORDS, [scopeKey, terms])
}

const ADD_ITEMS = `insert into memory.scope_counts as c (tenant_id, scope_key, kind, items, bytes) values (memory.tenant(), $1, $2, $3, $4)
  on conflict (tenant_id, scope_key, kind) do update set items = c.items + excluded.items, bytes = c.bytes + excluded.bytes`

export const addItems = (
  tx: Transaction,
  scopeKey: string,
  more: { kind: ItemKind; items: number; bytes: number },
): Promise<number> => tx.execute(ADD_ITEMS, [scopeKey, more.kind, more.items, more.bytes])
