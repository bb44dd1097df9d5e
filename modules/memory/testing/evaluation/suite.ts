/** What a question needs: one turn, several, a time, the newest of several values, or the courage to say that nobody told. `typos`: a document's passage, asked for with misspelt words. */
export const QUESTION_CLASSES = ['single', 'multi-hop', 'temporal', 'updated', 'unanswerable', 'typos'] as const
export type QuestionClass = (typeof QUESTION_CLASSES)[number]

/** A turn of a conversation or a passage of a document: what is remembered. */
export interface Turn {
  readonly id: string
  readonly text: string
  /** ISO 8601. */
  readonly at: string
  /** Of what it says one value alone is current: a later turn with the same slot replaces it. */
  readonly slot?: { readonly subject: string; readonly predicate: string }
}

export interface Question {
  readonly id: string
  readonly class: QuestionClass
  readonly text: string
  /** ISO 8601: when it is asked. */
  readonly at: string
  /** Turns that answer it; empty where nothing does. */
  readonly gold: readonly string[]
  /** Turns that answered it once. */
  readonly stale: readonly string[]
}

/** Turns that are searched together, in order, and the questions about them. */
export interface Conversation {
  readonly id: string
  readonly turns: readonly Turn[]
  readonly questions: readonly Question[]
}
