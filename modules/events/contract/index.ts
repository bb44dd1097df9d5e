import { contract } from '@soma/kernel'
import { deadLetterOperations } from './dead-letters.ts'
import { connectionOperations, deliveryOperations, lagOperations } from './deliveries.ts'
import { dialectEventOperations } from './dialect-events.ts'
import { eventOperations } from './events.ts'
import { eventFacts } from './facts.ts'
import { deliveryDead, noCompatibleConsumer, pushFailed } from './problems.ts'
import { scheduledOperations } from './scheduled.ts'
import { replayOperations } from './replays.ts'
import { eventSettings } from './settings.ts'
import { subscriptionOperations } from './subscriptions.ts'
import { topicOperations } from './topics.ts'

export * from './aliases.ts'
export * from './dead-letters.ts'
export * from './decode.ts'
export * from './deliveries.ts'
export * from './dialect-events.ts'
export * from './envelope.ts'
export * from './events.ts'
export * from './facts.ts'
export * from './problems.ts'
export * from './replays.ts'
export * from './scheduled.ts'
export * from './settings.ts'
export * from './subscriptions.ts'
export * from './topics.ts'

export const eventsContract = contract({
  module: 'events',
  summary: 'What happened, who still has to hear it, and what could not be handled?',
  operations: {
    events: eventOperations,
    dialectEvents: dialectEventOperations,
    scheduled: scheduledOperations,
    topics: topicOperations,
    subscriptions: subscriptionOperations,
    deliveries: deliveryOperations,
    lag: lagOperations,
    connections: connectionOperations,
    deadLetters: deadLetterOperations,
    replays: replayOperations,
  },
  events: eventFacts,
  problems: [deliveryDead, noCompatibleConsumer, pushFailed],
  capabilities: {
    'event:read': 'Read all events, topics, lag, connections and deliveries of the tenant.',
    'event:read-own': 'Read the events of the own user.',
    'event:publish': 'Publish events.',
    'event:subscribe': 'Make subscriptions and work as a member of them.',
    'event:manage': 'Delete scheduled events of others.',
    'subscription:manage': 'Change, pause and delete subscriptions of others.',
    'delivery:read': 'Read dead letters.',
    'delivery:replay': 'Replay and discard dead letters.',
    'delivery:purge': 'Purge dead letters.',
    'topic:manage': 'Change the retention of topics (tenant platform).',
  },
  settings: eventSettings,
})
