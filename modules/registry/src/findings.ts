import type { FieldError, Problem } from '@soma/kernel'
import type { SchemaReport } from '../contract/compatibility.ts'
import { registryProblems } from '../contract/problems.ts'

type FindingCode =
  | 'unknown-topic'
  | 'type-reserved'
  | 'schema-invalid'
  | 'schema-exists'
  | 'name-owned'
  | 'schema-incompatible'

const PROBLEMS = {
  'unknown-topic': registryProblems.unknownTopic,
  'type-reserved': registryProblems.typeReserved,
  'schema-invalid': registryProblems.schemaInvalid,
  'schema-exists': registryProblems.schemaExists,
  'name-owned': registryProblems.nameOwned,
  'schema-incompatible': registryProblems.schemaIncompatible,
} as const
const ORDER = Object.keys(PROBLEMS) as FindingCode[]

/** Of two versions of which the higher says too little: what changed, and the version that it needs. */
export interface VersionReport extends SchemaReport {
  readonly what: string
  readonly from: string
  readonly to: string
  readonly needs: string
}

/** What is wrong with a request, gathered so that all of it is answered at once. */
export interface Findings {
  add(code: FindingCode, finding: Omit<FieldError, 'code'> & { code?: string }): void
  /** Beside findings of `schema-incompatible`. */
  addReport(report: VersionReport): void
  /** Throws the problem of the first kind in the order of `PROBLEMS`; its errors list the findings of every kind. */
  throwIfAny(): void
}

export function createFindings(): Findings {
  const found: { kind: FindingCode; error: FieldError }[] = []
  const reports: VersionReport[] = []
  return {
    add(kind, finding) {
      found.push({ kind, error: { ...finding, code: finding.code ?? kind } })
    },
    addReport(report) {
      reports.push(report)
    },
    throwIfAny() {
      if (found.length > 0) throw problemOf(found, reports)
    },
  }
}

function problemOf(
  found: readonly { kind: FindingCode; error: FieldError }[],
  reports: readonly VersionReport[],
): Problem {
  const kind = ORDER.find((code) => found.some((finding) => finding.kind === code)) as FindingCode
  const first = found.find((finding) => finding.kind === kind) as { error: FieldError }
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
  return PROBLEMS[kind].create(`${first.error.detail}${more}`, {
    errors: found.map((finding) => finding.error),
    ...(reports.length === 0 ? {} : { reports }),
  })
}
