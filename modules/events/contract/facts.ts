import { event, idSchema } from '@soma/kernel'
import * as z from 'zod'
import { problemSummarySchema } from './envelope.ts'

const subscriptionFact = z.strictObject({
  subscriptionId: idSchema('sub'),
  name: z.string(),
  topics: z.array(z.string()),
  types: z.array(z.string()),
  state: z.enum(['active', 'paused', 'suspended']),
  reason: z.string().optional(),
})

const aboutSubscription = (verb: string, summary: string) => ({
  type: `subscription.${verb}` as const,
  topic: 'system-events' as const,
  data: subscriptionFact,
  summary,
})

export const subscriptionCreated = event(aboutSubscription('created', 'A group of readers was made.'))
export const subscriptionChanged = event(aboutSubscription('changed', 'What a group reads, or how, was changed.'))
export const subscriptionDeleted = event(aboutSubscription('deleted', 'A group and its place are gone.'))
export const subscriptionSuspended = event(aboutSubscription('suspended', 'A group gets nothing until it is resumed.'))
export const subscriptionResumed = event(aboutSubscription('resumed', 'A group goes on.'))

export const subscriptionGapRecorded = event({
  type: 'subscription.gap-recorded',
  topic: 'system-events',
  data: z.strictObject({
    subscriptionId: idSchema('sub'),
    topic: z.string(),
    part: z.number().int(),
    fromPosition: z.number().int(),
    toPosition: z.number().int(),
    reason: z.enum(['trimmed', 'slow']),
  }),
  summary: 'A group was moved over events that the log no longer has.',
})

const lagFact = z.strictObject({
  /** A subscription's id, of a broadcast with the member behind it (`sub_…/<memberId>`), or the group of a module. */
  group: z.string(),
  topic: z.string(),
  /** Events that the group has not passed. */
  lag: z.number().int(),
  oldestAgeMs: z.number().int(),
  threshold: z.strictObject({ lag: z.number().int(), oldestAgeMs: z.number().int() }),
})

export const consumerLagging = event({
  type: 'consumer.lagging',
  topic: 'system-events',
  data: lagFact,
  summary: 'A group is further behind than its threshold. Told once; of a module group in the tenant platform.',
})

export const consumerRecovered = event({
  type: 'consumer.recovered',
  topic: 'system-events',
  data: lagFact,
  summary: 'A group that was lagging has caught up.',
})

export const deliveryDeadLettered = event({
  type: 'delivery.dead-lettered',
  topic: 'dead-letter',
  data: z.strictObject({
    deliveryId: idSchema('dlv'),
    group: z.string(),
    topic: z.string(),
    type: z.string(),
    eventId: z.string(),
    attempts: z.number().int(),
    problem: problemSummarySchema,
    handler: z.string().nullable(),
  }),
  summary: 'A delivery was given up; its event is kept as a dead letter.',
})

const resolvedFact = z.strictObject({
  deliveryId: idSchema('dlv'),
  group: z.string(),
  note: z.string(),
  byId: z.string(),
})

export const deadLetterReplayed = event({
  type: 'dead-letter.replayed',
  topic: 'system-events',
  /** The event that is delivered: a new one where the data was edited. */
  data: z.strictObject({ ...resolvedFact.shape, eventId: z.string() }),
  summary: 'A dead letter was handed to its group again.',
})

export const deadLetterDiscarded = event({
  type: 'dead-letter.discarded',
  topic: 'system-events',
  data: resolvedFact,
  summary: 'A dead letter was given up by a person.',
})

const replayFact = z.strictObject({
  replayId: idSchema('rpl'),
  target: z.string(),
  matched: z.number().int(),
  delivered: z.number().int(),
  note: z.string().optional(),
  byId: z.string(),
})

const aboutReplay = (verb: string, summary: string) => ({
  type: `replay.${verb}` as const,
  topic: 'system-events' as const,
  data: replayFact,
  summary,
})

export const replayStarted = event(aboutReplay('started', 'A group gets a stretch of the log again.'))
export const replayCompleted = event(aboutReplay('completed', 'All of a replay is at its end.'))
export const replayCancelled = event(aboutReplay('cancelled', 'A person ended a replay.'))

export const topicChanged = event({
  type: 'topic.changed',
  topic: 'system-events',
  data: z.strictObject({ topic: z.string(), retentionMs: z.number().int(), maxEventBytes: z.number().int() }),
  summary: 'Retention or the largest event of a topic is another now, for all tenants.',
})

export const eventSchemaViolated = event({
  type: 'event.schema-violated',
  topic: 'system-events',
  data: z.strictObject({
    topic: z.string(),
    type: z.string(),
    source: z.string(),
    count: z.number().int(),
    errors: z.array(z.strictObject({ pointer: z.string(), code: z.string(), detail: z.string() })),
  }),
  summary: 'An event was accepted in warn mode although its data does not fit; at most once an hour per type.',
})

export const eventFacts = [
  subscriptionCreated,
  subscriptionChanged,
  subscriptionDeleted,
  subscriptionSuspended,
  subscriptionResumed,
  subscriptionGapRecorded,
  consumerLagging,
  consumerRecovered,
  deliveryDeadLettered,
  deadLetterReplayed,
  deadLetterDiscarded,
  replayStarted,
  replayCompleted,
  replayCancelled,
  topicChanged,
  eventSchemaViolated,
] as const
