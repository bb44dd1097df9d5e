import type { Answer } from '../answer/answer-question.ts'
import type { Citation } from '../answer/sentences.ts'
import type { NotReadReason } from '../bundle/bundle.ts'
import type { UndocumentedVariable } from '../checkers/check-config.ts'
import type { Evidence, Fix, UncheckedReason } from '../checkers/verdict.ts'
import type { StatementKind } from '../statements/statement.ts'

/** A statement with its verdict, as the report shows it. */
export interface ReportItem {
  readonly key: string
  readonly kind: StatementKind
  readonly file: string
  readonly line: number
  readonly quote: string
  readonly subject: string
  readonly verdict: 'true' | 'false' | 'unchecked'
  readonly because?: UncheckedReason
  readonly reason: string
  readonly evidence: readonly Evidence[]
  readonly fix?: Fix
  readonly suggestion?: string
}

export interface AcceptedItem {
  readonly item: ReportItem
  /** As `soma-report.yaml` gives it. */
  readonly reason: string
}

/** A sentence of prose that a model doubts. It has no verdict. */
export interface Suspect extends Citation {
  readonly reason: string
  /** What in the folder the model holds against it. */
  readonly against?: Citation
}

export interface Rejection {
  /** Key of the item, `answer:<n>` or `suspect:<n>`. */
  readonly key: string
  readonly reason: string
}

export interface NotReadGroup {
  readonly reason: NotReadReason | 'too long or too deep to parse' | 'a record of the past or test material'
  readonly count: number
  /** The first hundred. */
  readonly paths: readonly string[]
}

/** Everything that `report.json` holds. No time, no id: equal folders and models give equal bytes. */
export interface Report {
  readonly format: 'soma-docs-truth/1'
  readonly model: string
  readonly folderDigest: string
  readonly counts: {
    readonly documents: number
    readonly statements: number
    readonly true: number
    readonly false: number
    readonly unchecked: number
    readonly accepted: number
    /** Checkable statements beyond the limit of the run. */
    readonly leftOut: number
  }
  readonly items: readonly ReportItem[]
  readonly accepted: readonly AcceptedItem[]
  /** Entries of `soma-report.yaml` that fit no statement. */
  readonly unusedAcceptances: readonly { readonly file: string; readonly quote: string; readonly reason: string }[]
  readonly excluded: readonly { readonly path: string; readonly reason: string }[]
  readonly undocumentedVariables: readonly UndocumentedVariable[]
  readonly answer: Answer
  readonly suspects: readonly Suspect[]
  /** Parts of the prose that the model could not judge. */
  readonly proseLeftOut: readonly { readonly file: string; readonly reason: string }[]
  readonly notRead: readonly NotReadGroup[]
  readonly rejected: readonly Rejection[]
}
