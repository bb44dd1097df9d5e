import type { Place } from '../facts/place.ts'
import type { Statement } from '../statements/statement.ts'

/** What a verdict rests on. The reviewer looks every one of them up again. */
export type Evidence =
  /** Bytes of a line. */
  | ({ readonly type: 'line' } & Place)
  /** A name that the folder has or lacks; `nearby` are names that stand in the same directory instead. */
  | { readonly type: 'name'; readonly path: string; readonly isThere: boolean; readonly nearby?: readonly string[] }
  /** A word that no code of the folder holds. */
  | { readonly type: 'absent-word'; readonly word: string }
  /** An anchor that a document lacks. */
  | { readonly type: 'absent-anchor'; readonly file: string; readonly anchor: string }

export type UncheckedReason = 'needs network' | 'ambiguous' | 'not a statement about this folder'

/** Replaces the bytes of a document from `start` to `end` (offsets in UTF-16). */
export interface Fix {
  readonly file: string
  readonly start: number
  readonly end: number
  readonly replacement: string
}

export interface Verdict {
  readonly statement: Statement
  readonly verdict: 'true' | 'false' | 'unchecked'
  /** One sentence. */
  readonly reason: string
  /** Why nothing was decided; present exactly on `unchecked`. */
  readonly because?: UncheckedReason
  readonly evidence: readonly Evidence[]
  /** Present only when one candidate exists. */
  readonly fix?: Fix
  /** What a person could do, when there is no fix. */
  readonly suggestion?: string
}

export const line = (place: Place): Evidence => ({ type: 'line', ...place })

export const holds = (statement: Statement, reason: string, evidence: readonly Evidence[]): Verdict => ({
  statement,
  verdict: 'true',
  reason,
  evidence,
})

export const undecided = (statement: Statement, because: UncheckedReason, reason: string): Verdict => ({
  statement,
  verdict: 'unchecked',
  because,
  reason,
  evidence: [],
})

interface Contradiction {
  readonly reason: string
  readonly evidence: readonly Evidence[]
  /** The one text that would make the statement true. */
  readonly replacement?: string | undefined
  readonly suggestion?: string | undefined
}

/** A statement that its folder contradicts. Without a place to put the replacement it becomes a suggestion. */
export function contradicted(statement: Statement, found: Contradiction): Verdict {
  const { reason, evidence, replacement } = found
  const base = { statement, verdict: 'false' as const, reason, evidence }
  if (replacement !== undefined && statement.end > statement.start) {
    return { ...base, fix: { file: statement.file, start: statement.start, end: statement.end, replacement } }
  }
  const suggestion = found.suggestion ?? (replacement === undefined ? undefined : `It may mean \`${replacement}\`.`)
  return suggestion === undefined ? base : { ...base, suggestion }
}

/** Words that make a name one that is made, meant as an example, or gone, so that its absence proves nothing. */
const HEDGE =
  /\b(for example|examples?:|e\.g|i\.e|such as|like so|imagine|suppose|assum(e|ing)|say|your|yours|my|you (can|may|could|might|want)|creat(e|es|ed|ing)|generat(e|es|ed|ing)|writ(e|es|ten|ing)|wrote|outputs?|produc(e|es|ed)|emit(s|ted)?|add(ed|ing)? (an?|the|this|it)|new|renam(e|ed|ing)|named|call(ed)? it|if|when|optional(ly)?|will|would|could|should|might|once|sav(e|es|ed)|cop(y|ies|ied)|put|stor(e|es|ed)|download(s|ed)?|made|plac(e|ed)|mov(e|ed)|remov(e|ed|es)|delet(e|ed|es)|deprecated|no longer|used to|formerly|previously|was|were|not|never|no|without|missing|planned|future|todo|instead of|rather than|until|before|old|legacy|won't|don't|doesn't|isn't|cannot|can't)\b/i

export const isHedged = (sentence: string): boolean => HEDGE.test(sentence)
