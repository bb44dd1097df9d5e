import { createHash } from 'node:crypto'
import type { eventsContract, SubscriptionInput } from '@soma/events/contract'
import { type Client, type Context, isProblem } from '@soma/kernel'

/** Long enough for a pause of the process; what a process held that died is handed on that much later. */
export const LEASE_MS = 15_000

export interface Group {
  /** `agent_name`, else `agent_id`. */
  readonly name: string
  readonly topic: string
  readonly startAt: NonNullable<SubscriptionInput['startAt']>
  /** 0: kept for ever. */
  readonly lingerMs: number
}

/** The subscription of a group on one topic, made with its first stream. Groups of a name share nothing over tenants and spaces. */
export async function ensureGroup(
  events: Client<typeof eventsContract>,
  context: Context,
  group: Group,
): Promise<string> {
  try {
    const { id } = await events.subscriptions.create(context, {
      body: {
        name: subscriptionName(context, group),
        topics: [group.topic],
        startAt: group.startAt,
        idleTtlMs: group.lingerMs,
        // A delivery counts 2 s after it was sent: one at a time of a key would be one in 2 s.
        ordered: false,
        leaseMs: LEASE_MS,
        memberGraceMs: 0,
        maxAttempts: 20,
        backoff: { baseMs: 1, factor: 1, maxMs: 1 },
      },
    })
    return id
  } catch (error) {
    const subscriptionId = isProblem(error) ? error.extensions.subscriptionId : undefined
    if (typeof subscriptionId !== 'string') throw error
    if (group.lingerMs === 0) await keep(events, context, subscriptionId)
    return subscriptionId
  }
}

/** A group that ends with its streams is kept from now on. */
async function keep(events: Client<typeof eventsContract>, context: Context, subscriptionId: string): Promise<void> {
  const params = { subscriptionId }
  const { idleTtlMs, version } = await events.subscriptions.get(context, { params })
  if (idleTtlMs !== 0) await events.subscriptions.update(context, { params, body: { idleTtlMs: 0 }, ifMatch: version })
}

/** Names of agents are free text; those of subscriptions are not. */
function subscriptionName({ spaceId }: Context, { name, topic }: Group): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([spaceId, name]))
    .digest('hex')
    .slice(0, 32)
  const readable = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, 48)
  return `soorma.${topic}.${readable}.${digest}`
}
