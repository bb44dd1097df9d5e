import { PLATFORM_TENANT } from './context.ts'
import type { EventEnvelope } from './envelope.ts'
import { type LogRecord, sequenceOf } from './ports/event-bus.ts'
import { problem } from './problem.ts'
import { isTopic } from './topics.ts'

/** The problem of a record that is no event. */
export const envelopeInvalid = problem({
  code: 'envelope-invalid',
  status: 422,
  title: 'What another program wrote to the bus is no event',
  remedy: 'Correct the program: the detail names what is missing or wrong.',
  retryable: false,
})

/** Largest envelope that any topic may allow. */
export const LARGEST_EVENT_BYTES = 1_048_576

/** Levels of objects and arrays in the data. */
const DEEPEST = 100

/** What every event has (EVT-R37). */
const MANDATORY = ['specversion', 'id', 'source', 'type', 'tenantid', 'traceparent', 'dataschema'] as const

/** Longest values, in characters, of attributes that may be shorter or longer than `OTHERS`. */
const LONGEST: ReadonlyMap<string, number> = new Map(
  Object.entries({
    id: 128,
    tenantid: 128,
    userid: 128,
    spaceid: 128,
    sessionid: 128,
    planid: 128,
    taskid: 128,
    goalid: 128,
    personaid: 128,
    capsuleid: 128,
    correlationid: 128,
    causationid: 128,
    tracestate: 512,
    dataschema: 1024,
    responseschema: 1024,
    dataref: 1024,
    data_base64: LARGEST_EVENT_BYTES,
  }),
)
const OTHERS = 255

/** Texts that are not free. */
const KINDS: ReadonlyMap<string, (value: string) => boolean> = new Map(
  Object.entries({
    specversion: (value: string) => value === '1.0',
    type: isEventType,
    responsetype: isEventType,
    responsetopic: isTopic,
    outcome: (value: string) => value === 'ok' || value === 'failed',
    time: isInstant,
    expirytime: isInstant,
    deliverat: isInstant,
  }),
)

/** Attributes that are text; an extension that the platform does not know may also be a number or a boolean. */
const TEXTS: ReadonlySet<string> = new Set([
  ...MANDATORY,
  ...LONGEST.keys(),
  ...KINDS.keys(),
  'subject',
  'datacontenttype',
  'authtype',
  'authid',
  'constitutionhash',
  'region',
  'partitionkey',
])

const EXTENSION = /^[a-z0-9]{1,20}$/

/** Why a stored record is no event. */
export interface Flaw {
  /** For people. Names attributes, holds no value of the record. */
  readonly detail: string
  /** The tenant that stands beside the record; undefined where the record itself names another one, so that nobody can say whose bytes they are. */
  readonly tenantId: string | undefined
}

export type OpenedRecord =
  | { readonly event: EventEnvelope; readonly flaw?: undefined }
  | { readonly event?: undefined; readonly flaw: Flaw }

/**
 * The event of a record with the attributes that the log gives it, or what is wrong with it: only another program that writes to the bus can cause a flaw. Every reader of
 * the log opens records by this function, so all of them agree on what an event is.
 */
export function openRecord(record: LogRecord): OpenedRecord {
  const attributes = record.envelope.length > LARGEST_EVENT_BYTES ? undefined : objectIn(record.envelope)
  if (attributes === undefined) return { flaw: { detail: noObject(record), tenantId: ownerOfText(record) } }
  for (const name of Object.keys(attributes)) if (attributes[name] === null && name !== 'data') delete attributes[name]
  const detail =
    missingIn(attributes) ??
    malformedIn(attributes) ??
    contradictionIn(attributes, record) ??
    depthIn(attributes, record)
  if (detail === undefined) return { event: stamped(attributes, record) }
  const { tenantid = record.tenantId } = attributes
  return { flaw: { detail, tenantId: tenantid === record.tenantId ? ownerOf(record) : undefined } }
}

/**
 * What is kept of a record that is no event: what stood beside it and, where it is known whose it is, its text as `data`; else it is the platform's, without. It lacks
 * mandatory attributes, so it is never taken for an event.
 */
export function standInFor(record: LogRecord, { tenantId }: Flaw): EventEnvelope {
  const kept = tenantId === undefined ? {} : { datacontenttype: 'text/plain', data: record.envelope }
  const known = { id: record.eventId, source: '', type: record.type, tenantid: tenantId ?? PLATFORM_TENANT, ...kept }
  return stamped({ specversion: '1.0', ...known }, record)
}

function stamped(attributes: Record<string, unknown>, record: LogRecord): EventEnvelope {
  const recordedtime = record.recordedAt.toISOString()
  // Only a replay gives it.
  delete attributes['replayid']
  attributes['topic'] = record.topic
  attributes['time'] ??= recordedtime
  attributes['recordedtime'] = recordedtime
  attributes['sequence'] = sequenceOf(record.part, record.position)
  return attributes as unknown as EventEnvelope
}

/** The members of a JSON object; undefined for any other text. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const noObject = ({ envelope }: LogRecord): string =>
  envelope.length > LARGEST_EVENT_BYTES
    ? `the record is longer than ${LARGEST_EVENT_BYTES} characters`
    : 'the record is no JSON object'

function missingIn(attributes: Readonly<Record<string, unknown>>): string | undefined {
  const missing = MANDATORY.filter((name) => attributes[name] === undefined || attributes[name] === '')
  return missing.length === 0 ? undefined : `the event lacks ${missing.join(', ')}`
}

function malformedIn(attributes: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, value] of Object.entries(attributes))
    if (name !== 'data' && !isWellFormed(name, value)) return `the attribute ${shown(name)} of the event is malformed`
  return attributes['data'] !== undefined && attributes['data_base64'] !== undefined
    ? 'the event has data and data_base64'
    : undefined
}

function isWellFormed(name: string, value: unknown): boolean {
  if (typeof value === 'string')
    return value.length <= (LONGEST.get(name) ?? OTHERS) && (KINDS.get(name)?.(value) ?? isName(name))
  return !TEXTS.has(name) && EXTENSION.test(name) && (typeof value === 'number' || typeof value === 'boolean')
}

const isName = (name: string): boolean => TEXTS.has(name) || EXTENSION.test(name)

/** A name is whatever the writer made it. */
const shown = (name: string): string => (isName(name) ? name : JSON.stringify(name.slice(0, 20)))

/** What stands beside a record must be what is in it: readers select by the one and hand out the other. */
function contradictionIn(attributes: Readonly<Record<string, unknown>>, record: LogRecord): string | undefined {
  const { id, type, tenantid, userid = null } = attributes
  if (tenantid !== record.tenantId) return 'the tenant in the event is not the one beside it'
  const isSame = id === record.eventId && type === record.type && userid === record.userId
  return isSame ? undefined : 'id, type or userid in the event are not those beside it'
}

/** Text that is parsed without recursion may be nested deeper than anything that writes it again can follow. */
const depthIn = ({ data }: Readonly<Record<string, unknown>>, { isForeign }: LogRecord): string | undefined =>
  isForeign === true && isDeeper(data, DEEPEST)
    ? `the data of the event is nested deeper than ${DEEPEST} levels`
    : undefined

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1)))

const ownerOf = ({ tenantId }: LogRecord): string | undefined => (tenantId === '' ? undefined : tenantId)

/** Half an event still says whose it was. */
function ownerOfText(record: LogRecord): string | undefined {
  for (const [, named] of record.envelope.matchAll(/"tenantid"\s*:\s*"([^"\\]*)/g))
    if (named !== record.tenantId) return undefined
  return ownerOf(record)
}

function isEventType(value: string): boolean {
  return /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/.test(value)
}

function isInstant(value: string): boolean {
  return !Number.isNaN(Date.parse(value))
}
