import {
  type Context,
  commonProblems,
  type EventEnvelope,
  type FieldError,
  holds,
  isTopic,
  MODULE_TOPICS,
  type Topic,
} from '@soma/kernel'
import type * as z from 'zod'
import { resolveTopic, TOPIC_NAMES } from '../../contract/aliases.ts'
import { eventInputSchema } from '../../contract/envelope.ts'
import { typeReserved, unknownTopic } from '../../contract/problems.ts'
import type { PreparedEvent } from '../writer/requests.ts'
import { nearestName } from './nearest.ts'
import { type ParsedEvent, type Stamp, stampEvent } from './stamp.ts'
import { validateEvent, validateStored, type ValidationOptions, type Verdict } from './validation.ts'

/** How far ahead of now an event's time may lie: clocks differ. */
const TIME_AHEAD_MS = 5 * 60_000
const DELIVER_AHEAD_MS = 366 * 86_400_000

export interface Admitted extends Omit<Verdict, 'schemaId'> {
  readonly prepared: PreparedEvent
}

export interface AdmissionOptions extends ValidationOptions {
  readonly reservedNouns: ReadonlySet<string>
  /** Largest envelope of a topic, in bytes. */
  readonly maxEventBytes: (topic: Topic) => Promise<number>
}

/** Reads one event of a list as the caller wrote it. @throws invalid-request with one entry a field. */
export function parseEvent(value: unknown, pointer: string): ParsedEvent {
  const result = eventInputSchema.safeParse(value)
  if (result.success) return result.data
  throw invalid(fieldErrors(result.error, pointer))
}

/** Checks everything that needs no database and makes the envelope. `pointer` is where the event stands in the input (`/body`). */
export async function admitEvent(
  input: ParsedEvent,
  stamp: Stamp,
  options: AdmissionOptions & { pointer: string },
): Promise<Admitted> {
  checkAuthor(input, stamp)
  checkTimes(input, stamp.now, options.pointer)
  const topic = topicOf(input.topic, `${options.pointer}/topic`)
  checkOpen(topic, input.type, options.reservedNouns)
  const responseTopic =
    input.responseTopic === undefined
      ? 'action-results'
      : topicOf(input.responseTopic, `${options.pointer}/responseTopic`)
  const verdict = await validateEvent(input, { topic, stamp, pointer: options.pointer }, options)
  const prepared = stampEvent(input, { topic, responseTopic, dataSchema: verdict.schemaId }, stamp)
  checkSize(prepared, await options.maxEventBytes(topic))
  return { prepared, warnings: verdict.warnings, violations: verdict.violations }
}

/** Most bytes that stamping adds: id, source, authors, schema, trace. Far below the limit nothing is serialised only to be measured. */
const STAMPED_BYTES = 8192

function checkSize({ envelope, contentBytes }: PreparedEvent, maxEventBytes: number): void {
  if (contentBytes + STAMPED_BYTES > maxEventBytes) checkWholeSize(envelope, maxEventBytes)
}

function checkWholeSize(envelope: EventEnvelope, maxEventBytes: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(envelope))
  if (bytes <= maxEventBytes) return
  throw commonProblems.payloadTooLarge.create(
    `the event has ${bytes} bytes; the limit of "${envelope.topic}" is ${maxEventBytes}: store the content as an artifact and name it in dataRef`,
  )
}

/** Checks the data of a stored event that did not come by a publish, as if it did. @throws Problem of the first rule that it breaks. */
export async function checkRecordedEvent(
  context: Context,
  envelope: EventEnvelope,
  options: Pick<AdmissionOptions, 'definitions' | 'validation' | 'maxEventBytes'> & { pointer: string },
): Promise<void> {
  const { type, topic, outcome, dataschema: dataSchema, data_base64: dataBase64 } = envelope
  const data = envelope.data as ParsedEvent['data']
  const dataRef = data === undefined ? (envelope['dataref'] as string | undefined) : undefined
  await validateStored(context, { type, outcome, data, dataBase64, dataRef, dataSchema }, { ...options, topic })
  checkWholeSize(envelope, await options.maxEventBytes(topic))
}

function checkAuthor(input: ParsedEvent, { context, cause }: Stamp): void {
  if (input.tenantId !== undefined && input.tenantId !== context.tenantId)
    throw commonProblems.forbidden.create(
      `the event names the tenant "${input.tenantId}"; the credential is of another`,
    )
  const mayActFor = holds(context.principal, 'principal:act-for')
  const ownUsers = [context.userId, cause?.userId]
  if (input.userId !== undefined && !ownUsers.includes(input.userId) && !mayActFor)
    throw commonProblems.forbidden.create('naming another user needs the capability "principal:act-for"', {
      capability: 'principal:act-for',
    })
  const ownSpaces = [context.spaceId, cause?.spaceId]
  if (input.spaceId !== undefined && !ownSpaces.includes(input.spaceId) && !mayActFor)
    throw commonProblems.forbidden.create('naming another space needs the capability "principal:act-for"', {
      capability: 'principal:act-for',
    })
}

function checkTimes(input: ParsedEvent, now: Date, pointer: string): void {
  const errors: FieldError[] = []
  const add = (field: string, detail: string) =>
    errors.push({ pointer: `${pointer}/${field}`, code: 'out-of-range', detail })
  const time = input.time === undefined ? now.getTime() : Date.parse(input.time)
  if (time > now.getTime() + TIME_AHEAD_MS) add('time', `${input.time} is more than 5 minutes ahead`)
  if (input.expiryTime !== undefined && Date.parse(input.expiryTime) < time) add('expiryTime', 'it lies before time')
  if (input.deliverAt !== undefined && Date.parse(input.deliverAt) > now.getTime() + DELIVER_AHEAD_MS)
    add('deliverAt', 'it lies more than 366 days ahead')
  if (errors.length > 0) throw invalid(errors)
}

function topicOf(name: string | undefined, pointer: string): Topic {
  if (name === undefined) throw invalid([{ pointer, code: 'required', detail: 'name the topic' }])
  const resolved = resolveTopic(name)
  if (resolved !== undefined) return resolved.topics[0] as Topic
  const nearest = nearestName(name, TOPIC_NAMES)
  throw unknownTopic.create(
    `there is no topic "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    {
      ...(nearest === undefined ? {} : { nearest }),
      errors: [{ pointer, code: 'unknown-topic', detail: `"${name}" is no topic and no alias` }],
    },
  )
}

function checkOpen(topic: Topic, type: string, reservedNouns: ReadonlySet<string>): void {
  if (isTopic(topic) && (MODULE_TOPICS as readonly string[]).includes(topic))
    throw typeReserved.create(`modules alone write to the topic "${topic}"`)
  const noun = type.slice(0, type.indexOf('.'))
  if (reservedNouns.has(noun))
    throw typeReserved.create(`"${noun}" is a noun of the platform, so "${type}" is published by modules alone`)
}

const invalid = (errors: readonly FieldError[]) =>
  commonProblems.invalidRequest.create(`${errors[0]?.pointer}: ${errors[0]?.detail}`, { errors })

function fieldErrors(error: z.ZodError, pointer: string): FieldError[] {
  return error.issues.map((issue) => ({
    pointer: [pointer, ...issue.path.map(String)].join('/'),
    code: issue.code.replaceAll('_', '-'),
    detail: issue.message,
  }))
}
