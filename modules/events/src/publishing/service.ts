import {
  type Clock,
  type Context,
  commonProblems,
  type EventEnvelope,
  isProblem,
  newId,
  Problem,
  problemSummary,
} from '@soma/kernel'
import { resolveTopic } from '../../contract/aliases.ts'
import { BATCH_LIMIT, eventIdReused } from '../../contract/index.ts'
import type { EventOutcome, WriteRequest } from '../writer/requests.ts'
import type { Writer } from '../writer/writer.ts'
import { type Admitted, type AdmissionOptions, admitEvent, checkRecordedEvent, parseEvent } from './admission.ts'
import type { Consumers } from './consumers.ts'
import type { DailyBytes } from './daily-bytes.ts'
import type { Quota } from './quota.ts'
import { isAnswerTo, replyIdOf } from './reply-id.ts'
import { identityOf, type ParsedEvent, type Stamp } from './stamp.ts'
import type { Warning } from './validation.ts'
import type { Violations } from './violations.ts'

export interface PublishingOptions extends AdmissionOptions {
  readonly writer: Writer
  readonly clock: Clock
  readonly quota: Quota
  readonly dailyBytes: DailyBytes
  readonly violations: Violations
  readonly consumers: Consumers
  readonly outboxRows: () => number
  readonly outboxHighWater: number
}

export interface Published {
  readonly eventId: string
  readonly topic: string
  readonly sequence?: string
  readonly recordedAt: string
  readonly duplicate: boolean
  readonly warnings: Warning[]
}

export interface BatchResult {
  readonly index: number
  readonly eventId?: string
  readonly status: 'accepted' | 'duplicate' | 'refused'
  readonly problem?: ReturnType<typeof problemSummary>
}

interface Validated {
  readonly valid: boolean
  readonly dataSchema?: string | undefined
  readonly warnings: Warning[]
  readonly problem?: ReturnType<typeof problemSummary>
}

export interface Publishing {
  publish(context: Context, input: ParsedEvent, newEventId: () => string): Promise<Published>
  /** Whether `publish` would take the event, as far as its content decides. */
  validate(context: Context, input: ParsedEvent): Promise<Validated>
  publishBatch(
    context: Context,
    inputs: readonly unknown[],
    options: { atomic: boolean; newEventId: () => string },
  ): Promise<BatchResult[]>
  /** Checks the emits of an ack and makes what is written with it; publishes nothing. @throws Problem of the first that is refused. */
  prepare(
    context: Context,
    emits: readonly unknown[],
    cause: NonNullable<Stamp['cause']>,
  ): Promise<Required<Pick<WriteRequest, 'events' | 'facts'>>>
  /** Checks a stored event whose data a person edited. @throws Problem of the first rule that it breaks. */
  checkEdited(context: Context, envelope: EventEnvelope): Promise<void>
}

export function createPublishing(options: PublishingOptions): Publishing {
  const { writer, clock, metrics, quota } = options
  const admit = (input: ParsedEvent, stamp: Stamp, pointer: string) => admitEvent(input, stamp, { ...options, pointer })

  const open = async (context: Context, count: number) => {
    if (options.outboxRows() > options.outboxHighWater)
      throw commonProblems.unavailable.create('the event bus is behind: the outbox is over its high water', {
        retryAfterMs: 5000,
      })
    await quota.take(context.tenantId, count)
  }
  const takeBytes = (context: Context, admitted: readonly Admitted[]) =>
    options.dailyBytes.take(
      context.tenantId,
      admitted.reduce((total, { prepared }) => total + prepared.contentBytes, 0),
    )
  const requestOf = async (context: Context, admitted: readonly Admitted[]) => {
    await takeBytes(context, admitted)
    const facts = await Promise.all(admitted.map((event) => options.violations.factsOf(context, event)))
    return { events: admitted.map(({ prepared }) => prepared), facts: facts.flat() }
  }
  const write = async (context: Context, admitted: readonly Admitted[]) => {
    const request = await requestOf(context, admitted)
    const startedAt = performance.now()
    const result = await writer.write(context.tenantId, request)
    metrics.observe('soma_events_publish_seconds', (performance.now() - startedAt) / 1000)
    for (const { prepared } of admitted)
      metrics.count('soma_events_published_total', { topic: prepared.envelope.topic, outcome: result.status })
    return 'events' in result ? result.events : []
  }

  return {
    checkEdited: (context, envelope) => checkRecordedEvent(context, envelope, { ...options, pointer: '/body' }),
    publish: async (context, input, newEventId) => {
      await open(context, 1)
      const event = await admit(input, { context, now: clock.now(), id: input.id ?? newEventId() }, '/body')
      const [outcome] = await write(context, [event])
      if (outcome === undefined || outcome.status === 'reused') throw reused(event)
      const published = publishedOf(event, outcome)
      const warning = await absenceOf(context, event, options.consumers)
      return warning === undefined ? published : { ...published, warnings: [...published.warnings, warning] }
    },
    validate: async (context, input) => {
      try {
        const stamp = { context, now: clock.now(), id: input.id ?? newId('evt') }
        const { prepared, warnings } = await admit(input, stamp, '/body')
        return { valid: true, dataSchema: prepared.envelope.dataschema, warnings: [...warnings] }
      } catch (error) {
        if (!isProblem(error) || error.status >= 500) throw error
        return { valid: false, warnings: [], problem: problemSummary(error) }
      }
    },
    publishBatch: async (context, inputs, { atomic, newEventId }) => {
      if (inputs.length > BATCH_LIMIT)
        throw commonProblems.payloadTooLarge.create(
          `the batch has ${inputs.length} events; the limit is ${BATCH_LIMIT}`,
        )
      await open(context, inputs.length)
      const tries = await Promise.all(
        inputs.map(async (value, index): Promise<Admitted | Problem> => {
          try {
            const input = parseEvent(value, `/body/events/${index}`)
            const stamp = { context, now: clock.now(), id: input.id ?? newEventId() }
            return await admit(input, stamp, `/body/events/${index}`)
          } catch (error) {
            if (isProblem(error)) return error
            throw error
          }
        }),
      )
      return atomic
        ? publishAll(tries, (events) => write(context, events))
        : publishEach(tries, (events) => write(context, events))
    },
    prepare: async (context, emits, cause) => {
      if (emits.length > 0) await open(context, emits.length)
      const now = clock.now()
      const admitted = await Promise.all(
        emits.map((value, index) => {
          const input = parseEvent(value, `/emits/${index}`)
          return admitEmit(input, { context, now, cause }, (stamp) => admit(input, stamp, `/emits/${index}`))
        }),
      )
      return requestOf(context, admitted)
    },
  }
}

type Admit = (stamp: Stamp) => Promise<Admitted>

/**
 * An answer without an id has one derived from its request and group, whoever of the group writes it: what a handler answered first stands, and a second run, which may
 * answer otherwise, settles (EVT-R53).
 */
async function admitEmit(
  input: ParsedEvent,
  said: { context: Context; now: Date; cause: NonNullable<Stamp['cause']> },
  admit: Admit,
): Promise<Admitted> {
  const { event, group } = said.cause
  const topic = input.topic === undefined ? undefined : resolveTopic(input.topic)?.topics[0]
  const isAnswer =
    topic !== undefined &&
    isAnswerTo(event, { type: input.type, topic }) &&
    [undefined, said.cause.correlationId].includes(input.correlationId)
  if (input.id !== undefined || !isAnswer) return admit({ ...said, id: input.id ?? newId('evt') })
  const id = replyIdOf(event, group)
  const { prepared, ...verdict } = await admit({ ...said, id })
  const identity = identityOf(group, id)
  return { ...verdict, prepared: { ...prepared, identity, content: identity } }
}

type Write = (events: readonly Admitted[]) => Promise<readonly EventOutcome[]>

export const reused = ({ prepared: { envelope } }: Admitted): Problem =>
  eventIdReused.create(`the id "${envelope.id}" of source "${envelope.source}" was used for other content`)

/** A request that nobody connected reads is accepted, with a warning (EVT-R10). */
async function absenceOf(context: Context, event: Admitted, consumers: Consumers): Promise<Warning | undefined> {
  const { responsetype, topic, type } = event.prepared.envelope
  if (responsetype === undefined || (await consumers.hasLive(context.tenantId, topic, type))) return undefined
  return {
    code: 'no-live-consumer',
    detail: `no connected group reads "${type}" on "${topic}" now; the request waits in the log`,
  }
}

function publishedOf(
  { prepared: { envelope }, warnings }: Admitted,
  outcome: Exclude<EventOutcome, { status: 'reused' }>,
): Published {
  return {
    eventId: envelope.id,
    topic: envelope.topic,
    ...(outcome.status === 'accepted' && outcome.sequence !== undefined ? { sequence: outcome.sequence } : {}),
    recordedAt: outcome.recordedAt,
    duplicate: outcome.status === 'duplicate',
    warnings: [...warnings],
  }
}

/** All or none. @throws the one problem, or invalid-request with the errors of all indexes at once. */
async function publishAll(tries: readonly (Admitted | Problem)[], write: Write): Promise<BatchResult[]> {
  const problems = tries.flatMap((entry, index) => (isProblem(entry) ? [{ index, problem: entry }] : []))
  const events = tries.filter((entry): entry is Admitted => !isProblem(entry))
  const outcomes = problems.length === 0 ? await write(events) : []
  outcomes.forEach((outcome, index) => {
    if (outcome.status === 'reused') problems.push({ index, problem: reused(events[index] as Admitted) })
  })
  if (problems.length > 0) throw batchProblem(problems)
  return events.map((event, index) => resultOf(event, index, outcomes[index] as EventOutcome))
}

function batchProblem(problems: readonly { index: number; problem: Problem }[]): Problem {
  const errors = problems.flatMap(({ index, problem }) =>
    (problem.extensions.errors ?? []).length > 0
      ? (problem.extensions.errors ?? [])
      : [{ pointer: `/body/events/${index}`, code: problem.code, detail: problem.message }],
  )
  const [first] = problems
  const codes = new Set(problems.map(({ problem }) => problem.code))
  const detail = `${problems.length} events of the batch are refused, so none was published; the first is index ${first?.index}: ${first?.problem.message}`
  if (codes.size > 1 || first === undefined) return commonProblems.invalidRequest.create(detail, { errors })
  return new Problem(first.problem, detail, { errors })
}

async function publishEach(tries: readonly (Admitted | Problem)[], write: Write): Promise<BatchResult[]> {
  return Promise.all(
    tries.map(async (entry, index): Promise<BatchResult> => {
      if (isProblem(entry)) return { index, status: 'refused', problem: problemSummary(entry) }
      const [outcome] = await write([entry])
      return resultOf(entry, index, outcome ?? { status: 'reused' })
    }),
  )
}

function resultOf(event: Admitted, index: number, outcome: EventOutcome): BatchResult {
  if (outcome.status === 'reused') return { index, status: 'refused', problem: problemSummary(reused(event)) }
  return { index, eventId: event.prepared.envelope.id, status: outcome.status }
}
