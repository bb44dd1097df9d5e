import { LARGEST_EVENT_BYTES, setting, TOPICS } from '@soma/kernel'
import * as z from 'zod'

const DAY_MS = 86_400_000
const count = z.number().int().min(1)
const ms = z.number().int().min(0)
/** Of a topic: an hour to ten years. */
export const retentionMs = z
  .number()
  .int()
  .min(3_600_000)
  .max(3650 * DAY_MS)
export const maxEventBytes = z.number().int().min(1024).max(LARGEST_EVENT_BYTES)

/** Default retention of each topic. Developer modes keep 7 days at most. */
export const DEFAULT_RETENTION_MS: Readonly<Record<(typeof TOPICS)[number], number>> = {
  'action-requests': 14 * DAY_MS,
  'action-results': 14 * DAY_MS,
  'business-facts': 30 * DAY_MS,
  'system-events': 30 * DAY_MS,
  'plan-events': 90 * DAY_MS,
  'task-events': 30 * DAY_MS,
  'notification-events': 30 * DAY_MS,
  'billing-events': 400 * DAY_MS,
  conversation: 90 * DAY_MS,
  memory: 30 * DAY_MS,
  audit: 365 * DAY_MS,
  'dead-letter': 30 * DAY_MS,
}

const week = Object.fromEntries(TOPICS.map((topic) => [topic, 7 * DAY_MS])) as typeof DEFAULT_RETENTION_MS

export const eventSettings = {
  bus: setting({
    type: z.enum(['postgres', 'nats', 'kafka']),
    default: 'postgres',
    summary: 'Where the log lives. The Postgres log needs no server beside the database.',
  }),
  natsUrl: setting({
    type: z.string(),
    default: '',
    summary: 'nats://… of one or more servers, by commas. Needed where events.bus is nats.',
    sensitive: true,
  }),
  natsCredentialsFile: setting({
    type: z.string(),
    default: '',
    summary: 'File with the NATS user credentials; empty where the address carries them or none are needed.',
  }),
  natsReplicas: setting({
    type: z.number().int().min(1).max(5),
    default: 1,
    summary: 'Servers that keep each stream.',
    modes: { production: 3, 'production-debug': 3 },
  }),
  natsSyncsAlways: setting({
    type: z.boolean(),
    default: false,
    summary:
      'States that the NATS servers run with sync_interval always, which they tell nobody. With one replica, durability power needs it.',
  }),
  kafkaBrokers: setting({
    type: z.string(),
    default: '',
    summary: 'host:port of one or more brokers, by commas. Needed where events.bus is kafka.',
  }),
  kafkaTls: setting({ type: z.boolean(), default: false, summary: 'Whether the connections to Kafka are encrypted.' }),
  kafkaCaFile: setting({
    type: z.string(),
    default: '',
    summary: 'File with the certificate authority of the brokers; empty where it is a public one.',
  }),
  kafkaSasl: setting({
    type: z.enum(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
    default: 'none',
    summary: 'How Soma proves to the brokers who it is.',
  }),
  kafkaUsername: setting({ type: z.string(), default: '', summary: 'Name for events.kafkaSasl.' }),
  kafkaPassword: setting({ type: z.string(), default: '', summary: 'Password for events.kafkaSasl.', sensitive: true }),
  partitions: setting({
    type: z.number().int().min(1).max(256),
    default: 16,
    summary: 'Partitions of each topic, fixed at the first start: a key never changes its partition.',
  }),
  emit: setting({
    type: z.enum(['auto', 'inline', 'relay']),
    default: 'auto',
    summary:
      'How a module’s events reach the log: in the transaction (inline) or by the outbox (relay). auto is inline on PGlite.',
  }),
  brokerEncryption: setting({
    type: z.boolean(),
    default: true,
    summary:
      'Whether data lies sealed on NATS and Kafka, by a key a tenant and user that an erasure destroys. Off lets other programs read it; there an erasure ends with retention.',
  }),
  erasureDelayMs: setting({
    type: ms.max(82_800_000),
    default: 3_600_000,
    summary:
      'How long the erasure of a tenant or user waits, so that what is in hand has ended: the longest lease by default.',
  }),
  durability: setting({
    type: z.enum(['process', 'power']),
    default: 'power',
    summary: 'What a 201 survives: the end of the process, or a power cut too.',
    modes: { test: 'process', 'test-debug': 'process' },
  }),
  validation: setting({
    type: z.enum(['strict', 'warn']),
    default: 'strict',
    summary: 'What happens to unregistered types and data that does not fit: refused, or accepted with a warning.',
  }),
  maxEventBytes: setting({
    type: maxEventBytes,
    default: 262_144,
    summary: 'Largest envelope. Larger content is an artifact named by dataref.',
  }),
  dedupeMs: setting({
    type: ms,
    default: DAY_MS,
    summary: 'How long an event id is remembered, so that a repeated publish is a duplicate.',
  }),
  outboxHighWater: setting({
    type: count,
    default: 100_000,
    summary: 'Outbox rows above which publishing answers 503.',
  }),
  maxParked: setting({
    type: count,
    default: 10_000,
    summary: 'Unfinished deliveries of a group above which its cursors wait.',
  }),
  tailMaxLag: setting({
    type: count,
    default: 10_000,
    summary: 'Events a tail may be behind before it gets a gap and goes on at the head.',
  }),
  handlerTimeoutMs: setting({ type: ms, default: 30_000, summary: 'Longest run of a module’s event handler.' }),
  drainMs: setting({
    type: ms,
    default: 5000,
    summary: 'How long a stopping process waits for work in hand; server.graceMs at most.',
    modes: { test: 1000, 'test-debug': 1000, production: 25_000, 'production-debug': 25_000 },
  }),
  lagSloMs: setting({
    type: ms,
    default: 30_000,
    summary: 'Age of the oldest unsettled event that counts as lagging.',
  }),
  retentionGraceMs: setting({
    type: ms,
    default: 604_800_000,
    summary: 'How long retention waits for a durable group that is behind.',
  }),
  retentionMs: setting({
    type: z.record(z.enum(TOPICS), retentionMs),
    default: DEFAULT_RETENTION_MS,
    summary: 'Retention of each topic; whole segments older than this are dropped.',
    modes: { 'developer-light': week, 'developer-full': week },
  }),
  quotaEventsPerSecond: setting({
    type: count,
    default: 1000,
    summary: 'Events a tenant may publish a second over all processes, with a burst of as many.',
  }),
  quotaBytesPerDay: setting({
    type: count,
    default: 10_737_418_240,
    summary: 'Bytes a tenant may publish a day (UTC), over all processes.',
  }),
  quotaSubscriptions: setting({ type: count, default: 200, summary: 'Subscriptions a tenant may have.' }),
  quotaMembers: setting({
    type: count,
    default: 500,
    summary: 'Members of all groups of a tenant that may be connected to one process, by streams and pulls.',
  }),
  pushAllowedRanges: setting({
    type: z.array(z.union([z.cidrv4(), z.cidrv6()])),
    default: [],
    summary: 'Ranges that pushes may go to though they are not open to everybody, such as ["10.1.0.0/16"].',
  }),
  pushAllowInsecure: setting({
    type: z.boolean(),
    default: false,
    summary: 'Lets pushes go over http and to loopback: for development. Production modes refuse to start with it.',
    modes: { 'developer-light': true, 'developer-full': true },
  }),
  quotaStreams: setting({ type: count, default: 200, summary: 'Tails a tenant may have open at one process.' }),
}
