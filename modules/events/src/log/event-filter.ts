import {
  type EventEnvelope,
  type LogRecord,
  type OpenedRecord,
  openRecord,
  readSchemaUri,
  type Topic,
  type VersionRange,
} from '@soma/kernel'
import { resolveTopic, type TopicAlias } from '../../contract/aliases.ts'

/** Which events a reader wants. Absent = any. */
export interface EventFilter {
  /** Exact, `a.b.*` or `*`; one of them must match. */
  readonly types?: readonly string[]
  readonly source?: string
  readonly subject?: string
  readonly planId?: string
  readonly sessionId?: string
  readonly correlationId?: string
  readonly dataSchema?: string
  readonly userId?: string
  readonly spaceId?: string
  /** Versions of types that are understood. */
  readonly versions?: ReadonlyMap<string, VersionRange | undefined>
}

/** Filter field → attribute of the envelope. `userId` has a column of its own. */
export const FILTER_ATTRIBUTES = {
  source: 'source',
  subject: 'subject',
  planId: 'planid',
  sessionId: 'sessionid',
  correlationId: 'correlationid',
  dataSchema: 'dataschema',
  spaceId: 'spaceid',
} as const

const opened = new WeakMap<LogRecord, OpenedRecord>()

/** What a record holds, parsed once for all its readers, so that it is also serialised once (EVT-R51). */
export function openOnce(record: LogRecord): OpenedRecord {
  let found = opened.get(record)
  if (found === undefined) {
    found = openRecord(record)
    opened.set(record, found)
  }
  return found
}

/** The event of a record; undefined where another program wrote what is none. */
export const eventIn = (record: LogRecord): EventEnvelope | undefined => openOnce(record).event

export const matchesType = (patterns: readonly string[], type: string): boolean =>
  patterns.some((pattern) =>
    pattern === '*' ? true : pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  )

/** What follows from the names that a reader gave for topics: for each topic, the readings of which one must match. */
export type TopicReadings = ReadonlyMap<Topic, readonly TopicAlias[]>

/** Undefined and the first bad name when a name is no topic. */
export function readingsOf(names: readonly string[]): { readings: TopicReadings } | { unknown: string } {
  const readings = new Map<Topic, TopicAlias[]>()
  for (const name of names) {
    const alias = resolveTopic(name)
    if (alias === undefined) return { unknown: name }
    for (const topic of alias.topics) readings.set(topic, [...(readings.get(topic) ?? []), alias])
  }
  return { readings }
}

const readsAll = ({ types, exceptTypes, source, dataTopics }: TopicAlias): boolean =>
  types.length === 0 && exceptTypes.length === 0 && source === undefined && dataTopics === undefined

/**
 * Whether a record of the right tenant is wanted. Parses the envelope only where the filter looks inside; there a record that is no event is wanted by nobody, else by
 * whoever reads its topic and type.
 */
export function matches(record: LogRecord, readings: TopicReadings, filter: EventFilter): boolean {
  const aliases = readings.get(record.topic as Topic)
  if (aliases === undefined) return false
  if (filter.types !== undefined && !matchesType(filter.types, record.type)) return false
  if (filter.userId !== undefined && record.userId !== filter.userId) return false
  if (!aliases.some((alias) => readsAll(alias) || matchesAlias(record, alias))) return false
  return matchesAttributes(record, filter)
}

/** Whether a record that matches comes in a version that is understood; `dataschema` says which one it is (REG-R17). */
export function hasVersionWithin(record: LogRecord, versions: EventFilter['versions']): boolean {
  const range = versions?.get(record.type)
  if (range === undefined) return true
  const version = readSchemaUri(eventIn(record)?.dataschema)?.version
  return version === undefined || range(version)
}

function matchesAlias(record: LogRecord, alias: TopicAlias): boolean {
  if (alias.types.length > 0 && !matchesType(alias.types, record.type)) return false
  if (matchesType(alias.exceptTypes, record.type)) return false
  if (alias.source !== undefined && eventIn(record)?.source !== alias.source) return false
  if (alias.dataTopics === undefined) return true
  const data = eventIn(record)?.data as { topic?: string } | null | undefined
  return (alias.dataTopics as readonly (string | undefined)[]).includes(data?.topic)
}

function matchesAttributes(record: LogRecord, filter: EventFilter): boolean {
  for (const [field, attribute] of Object.entries(FILTER_ATTRIBUTES)) {
    const wanted = filter[field as keyof typeof FILTER_ATTRIBUTES]
    if (wanted !== undefined && eventIn(record)?.[attribute] !== wanted) return false
  }
  return true
}
