import type { JsonSchema, SchemaCompiler, SchemaIssue } from '@soma/kernel'
import type { SchemaChange, SchemaReport } from '../../contract/compatibility.ts'
import { documentsOf } from './documents.ts'

/** Adds to each major change a document that the old schema accepts and the new one refuses there, where one of the generated ones is such. */
export function withCounterexamples(
  report: SchemaReport,
  schemas: { before: JsonSchema; after: JsonSchema },
  compiler: SchemaCompiler,
): SchemaReport {
  if (report.level !== 'major') return report
  const accepts = compiler.compile(schemas.before).validate
  const check = compiler.compile(schemas.after).validate
  if (accepts === undefined || check === undefined) return report
  const found = new Map<SchemaChange, unknown>()
  const open = new Set(report.changes.filter(({ level }) => level === 'major'))
  // Most documents fail in the same places: each is held against the changes once.
  const seen = new Set<string>()
  const isNew = ({ pointer, code }: SchemaIssue) => seen.size < seen.add(`${code} ${pointer}`).size
  for (const document of documentsOf(schemas.before)) {
    if (open.size === 0) break
    const issues = accepts(document).length === 0 ? check(document).filter(isNew) : []
    for (const change of open) {
      if (!issues.some((issue) => isAt(issue, change))) continue
      found.set(change, document)
      open.delete(change)
    }
  }
  const explain = (change: SchemaChange) =>
    found.has(change) ? { ...change, counterexample: found.get(change) } : change
  return { ...report, changes: report.changes.map(explain) }
}

/** Keywords whose issue is reported at the member that is missing or too many: one step below the schema that has them. */
const OF_MEMBERS = ['required', 'additionalProperties', 'unevaluatedProperties']

function isAt({ pointer, code }: SchemaIssue, { pointer: place }: SchemaChange): boolean {
  const at = valuePattern(place)
  const keyword = place.slice(place.lastIndexOf('/') + 1)
  return new RegExp(OF_MEMBERS.includes(keyword) ? `^${at}/[^/]+$` : `^${at}$`).test(pointer) && fits(code, keyword)
}

const fits = (code: string, keyword: string): boolean => !OF_MEMBERS.includes(keyword) || code === keyword

/** A pattern for pointers into documents, from a pointer into a schema: `/properties/a/items/maxLength` is `/a/\d+`. */
function valuePattern(place: string): string {
  const steps = place.split('/').slice(1)
  let pattern = ''
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as string
    if (step === 'properties') pattern += `/${escapeRegExp(steps[++at] ?? '')}`
    else if (step === 'prefixItems') pattern += `/${steps[++at]}`
    else if (step === 'items' && at < steps.length - 1) pattern += '/\\d+'
    else if (step === 'additionalProperties' && at < steps.length - 1) pattern += '/[^/]+'
  }
  return pattern
}

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
