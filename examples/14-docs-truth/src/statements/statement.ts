export type StatementKind =
  | 'path'
  | 'link'
  | 'anchor'
  | 'command'
  | 'flag'
  | 'env'
  | 'port'
  | 'setting'
  | 'version'
  | 'engine'
  | 'licence'
  | 'package'

/** Something a document says about its folder that can be looked up there. Plain JSON, so that tasks can carry it. */
export interface Statement {
  /** `kind:file:line:column`: the same in every run over equal bytes. */
  readonly key: string
  readonly kind: StatementKind
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** Bytes of that line: the line itself without indentation, or the part around the subject when it is long. */
  readonly quote: string
  /** What is looked up: a path, a script name, a variable, a version. */
  readonly subject: string
  /** Offsets (UTF-16) of the text in the document that a fix would replace; equal when nothing can be replaced. */
  readonly start: number
  readonly end: number
  /** The sentence, row or command around the subject, in one line. */
  readonly sentence: string
  readonly context: StatementContext
}

export interface StatementContext {
  /** The headings above, outermost first. */
  readonly section?: readonly string[]
  /** The words of the command, for statements from shells. */
  readonly words?: readonly string[]
  /** Where the command runs after `cd`, relative to the folder; undefined when it is not known. */
  readonly directory?: string
  /** The document makes another project before this (git clone, npm init), so commands may be about that one. */
  readonly isElsewhere?: boolean
  /** Heading of the table column that holds the subject. */
  readonly column?: string
  /** The other subjects of the same column. */
  readonly siblings?: readonly string[]
  /** What the subject is about: a tool (`node`), a dependency's name, an outside host. */
  readonly about?: string
  /** How a version is bound: exactly, at least, or as a bare mention. */
  readonly bound?: 'exact' | 'least' | 'mention'
}

/** A statement before its place in the document is worked out. */
export interface Finding {
  readonly kind: StatementKind
  readonly subject: string
  readonly start: number
  readonly end: number
  readonly sentence: string
  readonly context?: StatementContext
}
