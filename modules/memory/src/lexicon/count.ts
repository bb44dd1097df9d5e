import type { Transaction } from '@soma/kernel'
import { ITEM_KINDS } from '../../contract/index.ts'
import { tokenize } from '../lexical/tokenize.ts'
import { addItems, addWords, type CountedRow, readCounted, takeUncounted } from './store.ts'

/** Plans are short and small: their words are searched and not counted. */
const hasLexicon = (scopeKey: string): boolean => !scopeKey.startsWith('plan:')

/** Takes a new item into the words and counts of its scope, once, however often it is asked. */
export async function countItem(tx: Transaction, id: string): Promise<void> {
  const row = await takeUncounted(tx, id)
  if (row !== undefined) await change(tx, [row], 1)
}

/** Takes items that are about to be erased out of the words and counts of their scopes: a word that was theirs alone leaves no trace. */
export const uncountItems = async (tx: Transaction, ids: readonly string[]): Promise<void> =>
  change(tx, await readCounted(tx, ids), -1)

async function change(tx: Transaction, rows: readonly CountedRow[], by: 1 | -1): Promise<void> {
  const scopes = new Map<string, CountedRow[]>()
  for (const row of rows) scopes.set(row.scope_key, [...(scopes.get(row.scope_key) ?? []), row])
  for (const [scopeKey, own] of [...scopes].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    if (hasLexicon(scopeKey)) await addWords(tx, scopeKey, wordsOf(own, by))
    for (const kind of ITEM_KINDS) {
      const ofKind = own.filter((row) => row.kind === kind)
      const bytes = ofKind.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
      if (ofKind.length > 0) await addItems(tx, scopeKey, { kind, items: by * ofKind.length, bytes: by * bytes })
    }
  }
}

function wordsOf(rows: readonly CountedRow[], by: 1 | -1): Map<string, number> {
  const words = new Map<string, number>()
  for (const { content, language } of rows)
    for (const word of new Set(tokenize(content, language))) words.set(word, (words.get(word) ?? 0) + by)
  return words
}
