import type { JsonSchema } from '@soma/kernel'
import { canonicalJson } from '@soma/kernel'
import {
  type ChangeLevel,
  type DataKind,
  levelOf,
  reportOf,
  type SchemaChange,
  type SchemaChangeName,
  type SchemaReport,
} from './changes.ts'
import { compareSchemas } from './compare-schemas.ts'
import { meetsDemand, versionDemand } from './version-demand.ts'

/** What a version of an event type promises. */
export interface EventPromise {
  readonly topic: string
  readonly type: string
  readonly version: string
  readonly kind: DataKind
  readonly jsonSchema: JsonSchema
  readonly responseType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly responseSchema?: unknown
}

/** A version of a schema by its own name. */
export interface SchemaPromise {
  readonly name: string
  readonly version: string
  /** What its documents are. Absent: the strictest of all. */
  readonly kind?: DataKind | undefined
  readonly jsonSchema: JsonSchema
}

/** The latest events and schemas of a repository or an installation. */
export interface Catalogue {
  readonly events: readonly EventPromise[]
  readonly schemas: readonly SchemaPromise[]
}

/** One event or schema of two catalogues, where they differ. */
export interface CatalogueDifference {
  /** `event <type> on <topic>` or `schema <name>`. */
  readonly what: string
  /** Absent: it is new. */
  readonly from?: string
  /** Absent: it is gone. */
  readonly to?: string
  readonly level: ChangeLevel
  /** The lowest version that may carry the change. Absent: no version can, or it is new. */
  readonly needs?: string
  readonly isBreaking: boolean
  readonly changes: readonly SchemaChange[]
}

/** Compares two versions of one event type: its data, the data of its reply, and what the definition says beside them. */
export function compareEvents(before: EventPromise, after: EventPromise): SchemaReport {
  const changes: SchemaChange[] = []
  const note = (change: SchemaChangeName, pointer: string, values: readonly [unknown, unknown]) => {
    if (values[0] === values[1]) return
    const why = `was ${values[0] ?? 'nothing'} and is ${values[1] ?? 'nothing'}`
    changes.push({ pointer, change, level: levelOf(change, before.kind), why })
  }
  note('kind-changed', '/kind', [before.kind, after.kind])
  note('response-type-changed', '/responseType', [before.responseType, after.responseType])
  if (before.responseType === after.responseType)
    note('topic-changed', '/responseTopic', [before.responseTopic, after.responseTopic])
  changes.push(...placed(compareSchemas(before.jsonSchema, after.jsonSchema, before.kind), '/schema'))
  changes.push(...placed(compareResponses(before.responseSchema, after.responseSchema), '/responseSchema'))
  return reportOf(changes)
}

const placed = ({ changes }: SchemaReport, at: string): SchemaChange[] =>
  changes.map((change) => ({ ...change, pointer: `${at}${change.pointer}` }))

/** Inline schemas are compared; of two names of registered ones each has its own check. */
function compareResponses(before: unknown, after: unknown): SchemaReport {
  const inline = (source: unknown) => (source as { jsonSchema?: JsonSchema } | undefined)?.jsonSchema
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return reportOf([])
  return compareSchemas(inline(before) ?? true, inline(after) ?? true, 'reply')
}

/** Whether a change of this level may be called `to` after `from`; equal versions may not differ at all. */
export const isAllowed = (from: string, to: string, level: ChangeLevel): boolean =>
  level === 'none' || (from !== to && meetsDemand(from, to, level))

/** Every event and schema that differs, in the order of their names. A new one breaks nobody; one that is gone always does. */
export function compareCatalogues(before: Catalogue, after: Catalogue): CatalogueDifference[] {
  const events = differences(before.events, after.events, {
    nameOf: ({ topic, type }) => `event ${type} on ${topic}`,
    compare: compareEvents,
  })
  const schemas = differences(before.schemas, after.schemas, {
    nameOf: ({ name }) => `schema ${name}`,
    compare: (old, now) => compareSchemas(old.jsonSchema, now.jsonSchema, old.kind),
  })
  return [...events, ...schemas].toSorted((left, right) => (left.what < right.what ? -1 : 1))
}

function differences<Item extends { readonly version: string }>(
  before: readonly Item[],
  after: readonly Item[],
  { nameOf, compare }: { nameOf: (item: Item) => string; compare: (before: Item, after: Item) => SchemaReport },
): CatalogueDifference[] {
  const now = new Map(after.map((item) => [nameOf(item), item]))
  const old = new Map(before.map((item) => [nameOf(item), item]))
  const kept = before.flatMap((item) => difference(nameOf(item), item, { after: now.get(nameOf(item)), compare }))
  const added = after.filter((item) => !old.has(nameOf(item)))
  return [
    ...kept,
    ...added.map((item) => ({
      what: nameOf(item),
      to: item.version,
      level: 'minor' as const,
      isBreaking: false,
      changes: [],
    })),
  ]
}

function difference<Item extends { readonly version: string }>(
  what: string,
  before: Item,
  { after, compare }: { after: Item | undefined; compare: (before: Item, after: Item) => SchemaReport },
): CatalogueDifference[] {
  const from = before.version
  if (after === undefined) {
    const change = 'event-removed' as const
    const why = 'it is gone: deprecate it, and remove it when nobody consumes it'
    return [{ what, from, level: 'major', isBreaking: true, changes: [{ pointer: '', change, level: 'major', why }] }]
  }
  const { level, changes } = compare(before, after)
  const to = after.version
  if (level === 'none' && from === to) return []
  const isBreaking = !isAllowed(from, to, level)
  return [{ what, from, to, level, needs: versionDemand(from, level), isBreaking, changes }]
}
