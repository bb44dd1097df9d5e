import type { FieldError, Problem } from '@soma/kernel'
import { registryProblems } from '../contract/problems.ts'

type FindingCode = 'unknown-topic' | 'type-reserved' | 'schema-invalid' | 'schema-exists' | 'name-owned'

const PROBLEMS = {
  'unknown-topic': registryProblems.unknownTopic,
  'type-reserved': registryProblems.typeReserved,
  'schema-invalid': registryProblems.schemaInvalid,
  'schema-exists': registryProblems.schemaExists,
  'name-owned': registryProblems.nameOwned,
} as const
const ORDER = Object.keys(PROBLEMS) as FindingCode[]

/** What is wrong with a request, gathered so that all of it is answered at once. */
export interface Findings {
  add(code: FindingCode, finding: Omit<FieldError, 'code'> & { code?: string }): void
  /** Throws the problem of the first kind in the order of `PROBLEMS`; its errors list the findings of every kind. */
  throwIfAny(): void
}

export function createFindings(): Findings {
  const found: { kind: FindingCode; error: FieldError }[] = []
  return {
    add(kind, finding) {
      found.push({ kind, error: { ...finding, code: finding.code ?? kind } })
    },
    throwIfAny() {
      if (found.length > 0) throw problemOf(found)
    },
  }
}

function problemOf(found: readonly { kind: FindingCode; error: FieldError }[]): Problem {
  const kind = ORDER.find((code) => found.some((finding) => finding.kind === code)) as FindingCode
  const first = found.find((finding) => finding.kind === kind) as { error: FieldError }
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
  return PROBLEMS[kind].create(`${first.error.detail}${more}`, { errors: found.map((finding) => finding.error) })
}
