import {
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  sequenceOf,
  toId,
  toPage,
  toUuid,
  uuidOf,
} from '@soma/kernel'
import type { Connections } from '../connections.ts'
import { closable, onFirstAbort } from '../log/wake.ts'
import type { Publishing } from '../publishing/service.ts'
import { groupOf } from '../subscriptions/config.ts'
import { requireVisible } from '../subscriptions/service.ts'
import { findSubscription } from '../subscriptions/store.ts'
import { createFrameQueue, type MemberFrame } from './frame-queue.ts'
import { type Group, nowMs } from './group.ts'
import type { Groups } from './groups.ts'
import { type DeliveryData, deliveryOf, eventOf, type HeldEvent } from './held-event.ts'
import { type Member, memberOf } from './members.ts'
import { loadRecord } from './promoting.ts'
import { settle, type SettleBody } from './settlement.ts'
import { type DeliveryListRow, groupOfDelivery, listDeliveries, rememberMember } from './store.ts'

export interface DeliveryServiceOptions {
  readonly database: ModuleDatabase
  readonly groups: Groups
  readonly publishing: Publishing
  readonly connections: Connections
  readonly leases: ReadonlyMap<string, { group: Group; held: HeldEvent }>
  readonly quotaMembers: number
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
}

interface Join {
  readonly memberId: string
  readonly credits: number
  readonly agentInstanceId?: string | undefined
}

export function createDeliveryService(options: DeliveryServiceOptions) {
  const { database, groups } = options

  /** The dispatcher, if the subscription is the caller's tenant's and in its space. @throws not-found, the same for foreign and absent. */
  const groupFor = async (context: Context, subscriptionId: string): Promise<Group> => {
    const group = await groups.get(uuidOf('sub', subscriptionId))
    const isVisible =
      group?.config.tenantId === context.tenantId &&
      (context.spaceId === '' || context.spaceId === group.config.spaceId)
    if (group === undefined || !isVisible) throw commonProblems.notFound.create(`no subscription ${subscriptionId}`)
    return group
  }
  const enter = async (context: Context, group: Group, memberId: string): Promise<Member> => {
    const isNew = !group.members.has(memberId)
    const member = memberOf(group.members, memberId, context.principal.id)
    if (isNew)
      await database.transaction(context, (tx) =>
        rememberMember(tx, {
          tenantId: context.tenantId,
          subscriptionId: group.config.id,
          memberId,
          principalId: context.principal.id,
        }),
      )
    return member
  }
  return {
    stream: async (context: Context, subscriptionId: string, { join, signal }: { join: Join; signal: AbortSignal }) => {
      const group = await groupFor(context, subscriptionId)
      if (options.connections.count(context.tenantId, 'member') >= options.quotaMembers)
        throw commonProblems.rateLimited.create(`the tenant has ${options.quotaMembers} members connected, its quota`, {
          retryAfterMs: 5000,
        })
      const member = await enter(context, group, join.memberId)
      return connect(context, group, { member, join, signal, connections: options.connections })
    },
    pull: async (
      context: Context,
      subscriptionId: string,
      want: { memberId: string; max: number; waitMs: number; signal: AbortSignal },
    ) => {
      const group = await groupFor(context, subscriptionId)
      const member = await enter(context, group, want.memberId)
      const { signal, ...wait } = want
      return { deliveries: [...(await pull(group, member, { ...wait, ends: [signal, options.draining] }))] }
    },
    settle: async (context: Context, subscriptionId: string, body: SettleBody) =>
      settle(context, await groupFor(context, subscriptionId), { body, options }),
    list: async (
      context: Context,
      subscriptionId: string,
      query: { limit: number; cursor?: string | undefined; state?: string | undefined; key?: string | undefined },
    ) => {
      const id = uuidOf('sub', subscriptionId)
      const place = decodeCursor(query.cursor, ['text', 'smallint', 'integer'])
      const rows = await database.transaction(context, async (tx) => {
        requireVisible(await findSubscription(tx, id), subscriptionId)
        return listDeliveries(tx, {
          group: groupOf(id),
          state: query.state ?? null,
          key: query.key ?? null,
          after: place ?? null,
          limit: query.limit + 1,
        })
      })
      return toPage(rows, query.limit, {
        item: (row) => wireRow(row, subscriptionId),
        key: (row) => [row.topic, row.part, row.pos],
      })
    },
    context: async (context: Context, deliveryId: string) => {
      const uuid = toUuid('dlv', deliveryId)
      const known = uuid === undefined ? undefined : (options.leases.get(uuid) ?? (await restore(context, uuid)))
      const isOwn = known?.held.member?.principalId === context.principal.id && known.held.tenantId === context.tenantId
      if (known === undefined || !isOwn || known.held.leaseUntilMs <= nowMs(known.group))
        throw commonProblems.notFound.create(`no delivery ${deliveryId} is leased to ${context.principal.id}`)
      await loadRecord(known.group, known.held)
      return contextOf(known.held)
    },
  }

  /** After a restart: the lease is in the database, its dispatcher not yet in memory. */
  async function restore(context: Context, uuid: string) {
    const name = await database.transaction(context, (tx) => groupOfDelivery(tx, uuid))
    if (name === undefined || !name.startsWith('sub:')) return undefined
    await groups.get(name.slice(4))
    return options.leases.get(uuid)
  }
}

interface Connecting {
  readonly member: Member
  readonly join: Join
  readonly signal: AbortSignal
  readonly connections: Connections
}

/** Makes the member's stream. What is still leased to it comes first, again, with the attempt unchanged (EVT-R29). */
async function connect(
  context: Context,
  group: Group,
  { member, join, signal, connections }: Connecting,
): Promise<AsyncIterable<MemberFrame>> {
  await Promise.all([...member.inFlight.values()].map((held) => loadRecord(group, held)))
  const sink = createFrameQueue()
  member.sink?.end('replaced by a newer stream of the same member')
  member.sink = sink
  member.credits = join.credits
  member.graceUntilMs = Number.POSITIVE_INFINITY
  group.members.set(member.id, member)
  const again = [...member.inFlight.values()].filter(
    (held) => group.leased.has(held.deliveryId) && held.record !== undefined,
  )
  for (const held of again) sink.push({ event: 'delivery', data: deliveryOf(held, true) })
  const disconnect = connections.add({
    kind: 'member',
    context,
    subscriptionId: toId('sub', group.config.id),
    memberId: member.id,
    load: () => ({ credits: member.credits, inFlight: member.inFlight.size }),
    ...(join.agentInstanceId === undefined ? {} : { agentInstanceId: join.agentInstanceId }),
  })
  const leave = () => {
    disconnect()
    if (member.sink !== sink) return
    member.sink = undefined
    member.graceUntilMs = nowMs(group) + group.config.memberGraceMs
    if (member.inFlight.size === 0) group.members.delete(member.id)
  }
  group.assign()
  return closable(signal, (ending) => {
    ending.addEventListener('abort', leave, { once: true })
    return endingWith(sink.frames(ending), leave)
  })
}

async function* endingWith<Frame>(frames: AsyncGenerator<Frame, void>, ended: () => void): AsyncGenerator<Frame, void> {
  try {
    yield* frames
  } finally {
    ended()
  }
}

function pull(
  group: Group,
  member: Member,
  want: { max: number; waitMs: number; ends: readonly AbortSignal[] },
): Promise<readonly DeliveryData[]> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      stopListening()
    }
    const waiter = {
      member,
      max: want.max,
      resolve: (deliveries: readonly DeliveryData[]) => {
        stop()
        resolve(deliveries)
      },
      reject: (error: unknown) => {
        stop()
        reject(error)
      },
    }
    const giveUp = () => {
      if (!group.pulls.includes(waiter)) return
      group.pulls = group.pulls.filter((other) => other !== waiter)
      waiter.resolve([])
    }
    group.pulls.push(waiter)
    const timer = setTimeout(giveUp, want.waitMs)
    const stopListening = onFirstAbort(want.ends, giveUp)
    group.assign()
  })
}

function wireRow(row: DeliveryListRow, subscriptionId: string) {
  return {
    deliveryId: toId('dlv', row.delivery_id),
    subscriptionId,
    topic: row.topic,
    key: row.key,
    attempt: row.attempt,
    memberId: row.member,
    leaseUntil: row.lease_until?.toISOString() ?? null,
    dueAt: row.due_at,
    state: row.state,
    sequence: sequenceOf(row.part, row.pos),
  }
}

function contextOf(held: HeldEvent) {
  const { id, correlationid, userid, spaceid, sessionid, planid, taskid } = eventOf(held)
  return {
    eventId: id,
    spaceId: spaceid ?? '',
    leaseUntil: new Date(held.leaseUntilMs).toISOString(),
    ...(correlationid === undefined ? {} : { correlationId: correlationid }),
    ...(userid === undefined ? {} : { userId: userid }),
    ...(sessionid === undefined ? {} : { sessionId: sessionid }),
    ...(planid === undefined ? {} : { planId: planid }),
    ...(taskid === undefined ? {} : { taskId: taskid }),
  }
}
