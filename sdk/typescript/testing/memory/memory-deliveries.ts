import {
  commonProblems,
  type EventEnvelope,
  isProblem,
  newId,
  newUuid,
  problemSummary,
  type StreamFrame,
} from '@soma/kernel'
import type { Subscription, SubscriptionInput } from '@soma/events/contract'
import { subscriptionInputSchema } from '@soma/events/contract'
import type { MemoryClock } from './memory-clock.ts'
import { type MemoryLog, orderKeyOf } from './memory-log.ts'

interface Row {
  readonly deliveryId: string
  readonly event: EventEnvelope
  readonly key: string
  attempt: number
  wasReturned: boolean
  state: 'ready' | 'leased'
  dueMs: number
  memberId?: string
  leaseUntilMs: number
}

interface Member {
  readonly id: string
  credits: number
  readonly inHand: Set<string>
  send: (frame: StreamFrame) => void
}

interface Group {
  subscription: Subscription
  rows: Row[]
  readonly members: Map<string, Member>
}

interface SettleBody {
  readonly memberId: string
  readonly acks: readonly { deliveryId: string; attempt: number; emits: readonly unknown[] }[]
  readonly nacks: readonly {
    deliveryId: string
    attempt: number
    problem?: { code: string; detail: string } | undefined
    dead?: boolean | undefined
    release?: boolean | undefined
    retryAfterMs?: number | undefined
  }[]
  readonly extends: readonly { deliveryId: string; attempt: number; leaseMs: number }[]
  readonly credits?: number | undefined
}

/** Groups, leases, retries and dead letters by the rules of `events`, for one tenant, without a disk. */
export interface MemoryDeliveries {
  subscribe(input: SubscriptionInput): Subscription
  subscriptions(): readonly Subscription[]
  update(id: string, changes: object): Subscription
  join(id: string, member: { memberId: string; credits: number; signal: AbortSignal }): AsyncIterable<StreamFrame>
  settle(id: string, body: SettleBody): object
  /** The user of a leased delivery. */
  eventOf(deliveryId: string): EventEnvelope | undefined
  /** Ends leases and retries whose time has come. */
  wake(): void
  /** Deliveries that a member has, or could have at once. */
  inHand(): number
  readonly deadLetters: { readonly event: EventEnvelope; readonly problem: { code: string; detail: string } }[]
  /** Hands an event to its groups once more. */
  duplicate(eventId: string): void
  /** Turns the order of what waits in each group round, key by key kept. */
  reorder(): void
}

export function createMemoryDeliveries(log: MemoryLog, clock: MemoryClock): MemoryDeliveries {
  const groups = new Map<string, Group>()
  const deadLetters: MemoryDeliveries['deadLetters'] = []

  const enqueue = (group: Group, event: EventEnvelope): void => {
    const { topics, types } = group.subscription
    if (!topics.includes(event.topic) || !types.some((type) => matches(type, event.type))) return
    const dueMs = event.deliverat === undefined ? clock.nowMs() : Date.parse(event.deliverat)
    group.rows.push({
      deliveryId: newId('dlv'),
      event,
      key: orderKeyOf(event),
      attempt: 0,
      wasReturned: false,
      state: 'ready',
      dueMs,
      leaseUntilMs: 0,
    })
  }
  log.onAppend((event) => {
    for (const group of groups.values()) {
      enqueue(group, event)
      hand(group)
    }
  })
  /** Gives every row that may go to a member with credits: one of a key at a time, in order. */
  const hand = (group: Group): void => {
    const busy = new Set<string>()
    for (const row of group.rows) {
      const isFirst = !busy.has(row.key)
      busy.add(row.key)
      if (!isFirst || row.state === 'leased' || row.dueMs > clock.nowMs()) continue
      const member = [...group.members.values()].find(({ credits, inHand }) => inHand.size < credits)
      if (member === undefined) return
      lease(group, row, member)
    }
  }
  const lease = (group: Group, row: Row, member: Member): void => {
    row.state = 'leased'
    row.attempt += 1
    row.memberId = member.id
    row.leaseUntilMs = clock.nowMs() + group.subscription.leaseMs
    member.inHand.add(row.deliveryId)
    member.send(frameOf(row))
  }
  const free = (group: Group, row: Row): void => {
    group.members.get(row.memberId ?? '')?.inHand.delete(row.deliveryId)
    row.state = 'ready'
    delete row.memberId
  }
  const remove = (group: Group, row: Row): void => {
    free(group, row)
    group.rows = group.rows.filter((other) => other !== row)
  }
  const bury = (group: Group, row: Row, problem: { code: string; detail: string }): void => {
    remove(group, row)
    deadLetters.push({ event: row.event, problem })
    const { event } = row
    if (event.responsetype === undefined) return
    const reply = {
      type: event.responsetype,
      topic: event.responsetopic ?? 'action-results',
      data: { problem },
      outcome: 'failed',
      correlationId: event.correlationid,
      causationId: event.id,
      ...(event.taskid === undefined ? {} : { taskId: event.taskid }),
      ...(event.planid === undefined ? {} : { planId: event.planid }),
    }
    log.append(log.admit(reply, { userId: event.userid, source: '/modules/events' }))
  }
  const held = (group: Group, memberId: string, entry: { deliveryId: string; attempt: number }): Row | undefined =>
    group.rows.find(
      (row) => row.deliveryId === entry.deliveryId && row.attempt === entry.attempt && row.memberId === memberId,
    )
  const groupOf = (id: string): Group => {
    const group = groups.get(id)
    if (group === undefined) throw commonProblems.notFound.create(`no subscription ${id}`)
    return group
  }
  const publishAll = (emits: readonly unknown[], row: Row): void => {
    const admitted = emits.map((emit) => log.admit(emit, { userId: row.event.userid }))
    for (const event of admitted) log.append(event)
  }
  return {
    deadLetters,
    subscribe(input) {
      const parsed = subscriptionInputSchema.parse(input)
      if ([...groups.values()].some(({ subscription }) => subscription.name === parsed.name)) {
        throw commonProblems.conflict.create(`there is a subscription "${parsed.name}"`)
      }
      const subscription = {
        ...parsed,
        id: newId('sub'),
        state: 'active',
        ownerId: 'test',
        createdAt: clock.iso(),
        version: 1,
      }
      const group: Group = { subscription: subscription as Subscription, rows: [], members: new Map() }
      groups.set(subscription.id, group)
      if (parsed.startAt === 'earliest') for (const event of log.events) enqueue(group, event)
      return group.subscription
    },
    subscriptions: () => [...groups.values()].map(({ subscription }) => subscription),
    update(id, changes) {
      const group = groupOf(id)
      group.subscription = { ...group.subscription, ...changes, version: group.subscription.version + 1 }
      return group.subscription
    },
    join: (id, member) => joined(groupOf(id), member, { hand, free }),
    settle(id, body) {
      const group = groupOf(id)
      const answer = {
        settled: [] as string[],
        lost: [] as object[],
        refused: [] as object[],
        extended: [] as object[],
      }
      const lose = (deliveryId: string) => answer.lost.push({ deliveryId, reason: 'expired' })
      for (const ack of body.acks) {
        const row = held(group, body.memberId, ack)
        if (row === undefined) lose(ack.deliveryId)
        else {
          try {
            publishAll(ack.emits, row)
            remove(group, row)
            answer.settled.push(ack.deliveryId)
          } catch (error) {
            if (!isProblem(error)) throw error
            answer.refused.push({ deliveryId: ack.deliveryId, problem: problemSummary(error) })
          }
        }
      }
      for (const nack of body.nacks) {
        const row = held(group, body.memberId, nack)
        if (row === undefined) lose(nack.deliveryId)
        else {
          answer.settled.push(nack.deliveryId)
          refuse(group, row, nack)
        }
      }
      for (const entry of body.extends) {
        const row = held(group, body.memberId, entry)
        if (row === undefined) lose(entry.deliveryId)
        else {
          row.leaseUntilMs = clock.nowMs() + entry.leaseMs
          answer.extended.push({ deliveryId: entry.deliveryId, leaseUntil: new Date(row.leaseUntilMs).toISOString() })
        }
      }
      const member = group.members.get(body.memberId)
      if (member !== undefined && body.credits !== undefined) member.credits = body.credits
      hand(group)
      return answer
    },
    eventOf: (deliveryId) =>
      [...groups.values()].flatMap(({ rows }) => rows).find((row) => row.deliveryId === deliveryId)?.event,
    wake() {
      for (const group of groups.values()) {
        for (const row of group.rows) {
          if (row.state === 'leased' && row.leaseUntilMs <= clock.nowMs()) free(group, row)
        }
        hand(group)
      }
    },
    inHand: () =>
      [...groups.values()].reduce(
        (sum, group) => sum + group.rows.filter((row) => isBusy(group, row, clock)).length,
        0,
      ),
    duplicate(eventId) {
      const event = log.events.find(({ id }) => id === eventId)
      if (event === undefined) throw new RangeError(`no event ${eventId} was published`)
      for (const group of groups.values()) {
        enqueue(group, event)
        hand(group)
      }
    },
    reorder() {
      for (const group of groups.values()) {
        const keys = [...new Set(group.rows.map(({ key }) => key))].reverse()
        group.rows = keys.flatMap((key) => group.rows.filter((row) => row.key === key))
      }
    },
  }

  function refuse(group: Group, row: Row, nack: SettleBody['nacks'][number]): void {
    const { maxAttempts, backoff } = group.subscription
    if (nack.release === true) {
      row.attempt -= 1
      row.wasReturned = true
      free(group, row)
    } else if (nack.dead === true || row.attempt >= maxAttempts) {
      bury(group, row, nack.problem ?? { code: 'delivery-dead', detail: 'no problem was named' })
    } else {
      free(group, row)
      const waitMs = nack.retryAfterMs ?? Math.min(backoff.maxMs, backoff.baseMs * backoff.factor ** (row.attempt - 1))
      row.dueMs = clock.nowMs() + waitMs
    }
  }
}

const matches = (filter: string, type: string): boolean =>
  filter === '*' || filter === type || (filter.endsWith('.*') && type.startsWith(filter.slice(0, -1)))

/** In hand of somebody, or ready for a member that is there. */
const isBusy = (group: Group, row: Row, clock: MemoryClock): boolean =>
  row.state === 'leased' || (row.dueMs <= clock.nowMs() && group.members.size > 0)

const frameOf = (row: Row, redelivered = row.attempt > 1 || row.wasReturned): StreamFrame => ({
  event: 'delivery',
  data: {
    deliveryId: row.deliveryId,
    attempt: row.attempt,
    leaseUntil: new Date(row.leaseUntilMs).toISOString(),
    redelivered,
    event: row.event,
  },
})

/** The stream of one member. What it holds goes back to the group when the stream ends. */
async function* joined(
  group: Group,
  by: { memberId: string; credits: number; signal: AbortSignal },
  work: { hand: (group: Group) => void; free: (group: Group, row: Row) => void },
): AsyncGenerator<StreamFrame> {
  const frames: StreamFrame[] = []
  let wake: () => void = () => undefined
  const send = (frame: StreamFrame): void => {
    frames.push(frame)
    wake()
  }
  const id = by.memberId === '' ? newUuid() : by.memberId
  const member: Member = { id, credits: Number(by.credits), inHand: new Set(), send }
  group.members.set(id, member)
  by.signal.addEventListener('abort', () => wake(), { once: true })
  work.hand(group)
  try {
    while (!by.signal.aborted) {
      const frame = frames.shift()
      if (frame !== undefined) yield frame
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    if (group.members.get(id) === member) group.members.delete(id)
    for (const row of group.rows) if (row.memberId === id) work.free(group, row)
    work.hand(group)
  }
}
