import { createHash } from 'node:crypto'
import { eventsContract } from '@soma/events/contract'
import { newUuid } from '@soma/kernel'
import { ANSWER_TYPE, EVENT_TYPE } from './chaos-module.ts'
import { clientsOf, type Events, pause, TENANTS } from './load.ts'

const MEMBERS = 2
const LEASE_MS = 2_000
const AGAIN_MS = 100
/** One delivery in so many is settled after its lease, settled twice at once, or forgotten by an agent that dies. */
const ODDS = { late: 60, twice: 6, dies: 80 }

export interface Agents {
  /** Acks that were told `lost`. */
  readonly lost: () => number
  stop(): Promise<void>
}

export interface AgentsOptions {
  readonly urls: readonly string[]
  readonly name: string
  /** Deliveries in hand of a member. Default 20. */
  readonly credits?: number
  /** Pause before an ack. Default 0 to 20, so that acks overtake each other. */
  readonly handlingMs?: number
}

/**
 * Members of one subscription a tenant, as badly behaved as agents can be: they ack late, twice and out of order, and die with deliveries in hand. The effect of a handling
 * is the answer that its ack carries.
 */
export async function startAgents(options: AgentsOptions): Promise<Agents> {
  const leaving = new AbortController()
  const counts = { lost: 0 }
  const members = await Promise.all(
    TENANTS.map(async (tenantId) => {
      const client = clientsOf(eventsContract, options.urls, { tenantId, kind: 'agent', principalId: options.name })
      const subscriptionId = await subscribe(client(0), options.name)
      const of = { ...options, client, subscriptionId, signal: leaving.signal, counts }
      return Array.from({ length: MEMBERS }, () => liveOn(of))
    }),
  )
  return {
    lost: () => counts.lost,
    stop: async () => {
      leaving.abort()
      await Promise.all(members.flat())
    },
  }
}

interface Member extends AgentsOptions {
  readonly client: (attempt: number) => Events
  readonly subscriptionId: string
  readonly signal: AbortSignal
  readonly counts: { lost: number }
}

async function subscribe(client: Events, name: string): Promise<string> {
  const context = undefined as never
  const known = (await client.subscriptions.list(context, { query: {} })).items.find((each) => each.name === name)
  if (known !== undefined) return known.id
  const { id } = await client.subscriptions.create(context, {
    body: {
      name,
      topics: ['business-facts'],
      types: [EVENT_TYPE],
      startAt: 'earliest',
      leaseMs: LEASE_MS,
      memberGraceMs: 1_000,
      maxAttempts: 20,
      backoff: { baseMs: 100, factor: 2, maxMs: 1_000 },
    },
  })
  return id
}

/** One life after another, each under a new id, at the next process. */
async function liveOn(member: Member): Promise<void> {
  for (let life = 0; !member.signal.aborted; life++) {
    const death = new AbortController()
    // What breaks a stream here is the scenario's fault to cause; what was in hand is handed out again.
    await live(member, life, death).catch(() => undefined)
    death.abort()
    if (!member.signal.aborted) await pause(AGAIN_MS)
  }
}

async function live(member: Member, life: number, death: AbortController): Promise<void> {
  const memberId = newUuid()
  const signal = AbortSignal.any([member.signal, death.signal])
  const frames = await member.client(life).deliveries.stream(undefined as never, {
    params: { subscriptionId: member.subscriptionId },
    query: { memberId, credits: member.credits ?? 20 },
    signal,
  })
  for await (const frame of frames) {
    if (frame.event !== 'delivery') continue
    const delivery = frame.data as unknown as Delivery
    const random = chanceOf(memberId, delivery)
    if (random('dies') % ODDS.dies === 0) return
    void handle(member, { memberId, life, delivery, random, signal })
  }
}

interface Delivery {
  readonly deliveryId: string
  readonly attempt: number
  readonly event: { readonly partitionkey: string; readonly data: { readonly number: number } }
}

interface Handling {
  readonly memberId: string
  readonly life: number
  readonly delivery: Delivery
  readonly random: (what: string) => number
  readonly signal: AbortSignal
}

async function handle(member: Member, { memberId, life, delivery, random, signal }: Handling): Promise<void> {
  const { deliveryId, attempt, event } = delivery
  await pause(random('late') % ODDS.late === 0 ? LEASE_MS + 300 : (member.handlingMs ?? random('pause') % 20))
  const answer = {
    type: ANSWER_TYPE,
    topic: 'action-results',
    partitionKey: event.partitionkey,
    data: { number: event.data.number, group: member.name },
  }
  const settle = async (client: Events) => {
    const { lost } = await client.deliveries.settle(undefined as never, {
      params: { subscriptionId: member.subscriptionId },
      body: { memberId, acks: [{ deliveryId, attempt, emits: [answer] }] },
    })
    member.counts.lost += lost.length
  }
  const times = random('twice') % ODDS.twice === 0 ? 2 : 1
  await Promise.all(Array.from({ length: times }, () => insist(settle, member.client, { life, signal })))
}

/** An ack without an answer is sent again, to the next process. */
async function insist(
  settle: (client: Events) => Promise<void>,
  client: Member['client'],
  { life, signal }: Pick<Handling, 'life' | 'signal'>,
): Promise<void> {
  for (let attempt = life; !signal.aborted; attempt++) {
    try {
      return await settle(client(attempt))
    } catch {
      await pause(AGAIN_MS)
    }
  }
}

const chanceOf =
  (memberId: string, { deliveryId, attempt }: Delivery) =>
  (what: string): number =>
    createHash('sha1').update(`${memberId} ${deliveryId} ${attempt} ${what}`).digest().readUInt32BE(0)
