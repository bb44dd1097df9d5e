import {
  type ChangeLevel,
  isAllowed,
  neighboursOf,
  type SchemaReport,
  versionDemand,
} from '../../contract/compatibility.ts'
import type { Findings } from '../findings.ts'

interface Check<Item> {
  /** `event order.placed on business-facts`. */
  readonly what: string
  /** Where in the request a place of its schema stands. */
  readonly pointerOf: (place: string) => string
  /** Versions of the same name that are registered, and those that come in the same request. */
  readonly stored: readonly Item[]
  readonly coming: readonly Item[]
  readonly compare: (before: Item, after: Item) => SchemaReport
  readonly findings: Findings
}

/**
 * Holds a new version against the releases next below and next above it: of what changed between two, the higher version must say enough.
 * Answers the level against the one below.
 */
export function checkVersion<Item extends { readonly version: string }>(item: Item, check: Check<Item>): ChangeLevel {
  const { below } = neighboursOf(item.version, [...check.stored, ...check.coming])
  const { above } = neighboursOf(item.version, check.stored)
  if (above !== undefined) comparePair(item, above, check)
  return below === undefined ? 'none' : comparePair(below, item, check)
}

function comparePair<Item extends { readonly version: string }>(
  before: Item,
  after: Item,
  { what, pointerOf, compare, findings }: Check<Item>,
): ChangeLevel {
  const report = compare(before, after)
  const { level, changes } = report
  if (isAllowed(before.version, after.version, level)) return level
  const needs = versionDemand(before.version, level)
  const demand = `${what} ${after.version} has a ${level} change since ${before.version}, so it must be ${needs} or higher`
  for (const change of changes.filter((one) => !isAllowed(before.version, after.version, one.level)))
    findings.add('schema-incompatible', {
      pointer: pointerOf(change.pointer),
      code: change.change,
      detail: `${demand}: ${change.why}`,
    })
  findings.addReport({ what, from: before.version, to: after.version, needs, ...report })
  return level
}
