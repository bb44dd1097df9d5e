import { type Context, commonProblems, decodeCursor, sequenceOf, toId, toPage, toUuid, uuidOf } from '@soma/kernel'
import type { Connections } from '../connections.ts'
import { closable } from '../log/wake.ts'
import type { Publishing } from '../publishing/service.ts'
import { dispatchOf, groupOf, subscriptionOf } from '../subscriptions/config.ts'
import { requireVisible } from '../subscriptions/service.ts'
import { findSubscription } from '../subscriptions/store.ts'
import { createFinding, type FindingOptions, tooManyMembers } from './finding.ts'
import { createFrameQueue, type MemberFrame } from './frame-queue.ts'
import { tellGaps } from './gaps.ts'
import { type Group, nowMs } from './group.ts'
import type { Found } from './groups.ts'
import type { Guests, Seat } from './guests.ts'
import { deliveryOf, eventOf, type HeldEvent, type Member } from './held-event.ts'
import { disconnect, ELSEWHERE, REPLACED } from './hosting.ts'
import { memberIdInUse, memberOf } from './members.ts'
import { loadRecord } from './loading.ts'
import { pull } from './pulling.ts'
import { settle, type SettleBody, settleElsewhere } from './settlement.ts'
import type { SignsOfLife } from './signs-of-life.ts'
import { type DeliveryListRow, groupOfDelivery, listDeliveries, rememberMember } from './store.ts'

export interface DeliveryServiceOptions extends FindingOptions {
  readonly guests: Guests
  readonly publishing: Publishing
  readonly connections: Connections
  readonly signsOfLife: SignsOfLife
  readonly leases: ReadonlyMap<string, { group: Group; held: HeldEvent }>
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
}

interface Join {
  readonly memberId: string
  readonly credits: number
  readonly agentInstanceId?: string | undefined
}

export function createDeliveryService(options: DeliveryServiceOptions) {
  const { database, groups, guests } = options
  const find = createFinding(options)
  const remember = async (context: Context, subscriptionId: string, memberId: string) => {
    const principalId = context.principal.id
    const { tenantId } = context
    const isOwn = await database.transaction(context, (tx) =>
      rememberMember(tx, { tenantId, subscriptionId, memberId, principalId }),
    )
    if (!isOwn) throw memberIdInUse(memberId)
  }
  const enter = async (context: Context, group: Group, memberId: string): Promise<Member> => {
    const isNew = !group.members.has(memberId)
    if (isNew) requireRoom(context)
    const member = memberOf(group.members, memberId, context.principal.id)
    if (isNew) await remember(context, subscriptionOf(group.config.id), memberId)
    return member
  }
  /** Those of groups that are dispatched here, and those that are connected here to groups dispatched elsewhere. @throws rate-limited over the quota. */
  const requireRoom = ({ tenantId }: Context) => {
    const dispatched = groups.loaded().filter(({ config }) => config.tenantId === tenantId)
    const members = dispatched.reduce((total, group) => total + group.members.size, 0)
    if (Math.max(members, options.connections.count(tenantId, 'member')) < options.quotaMembers) return
    throw tooManyMembers(options.quotaMembers)
  }
  const sitDown = async (context: Context, found: Found, join: Join): Promise<Seat> => {
    const { memberId, credits, agentInstanceId } = join
    if ('group' in found) return sit(found.group, await enter(context, found.group, memberId), join)
    requireRoom(context)
    await remember(context, found.at.subscription.id, memberId)
    return guests.connect(found.at, { memberId, principalId: context.principal.id, credits, agentInstanceId })
  }
  return {
    stream: async (context: Context, subscriptionId: string, { join, signal }: { join: Join; signal: AbortSignal }) => {
      const found = await find(context, subscriptionId, { memberId: join.memberId, isJoining: true })
      const seat = await sitDown(context, found, join)
      const disconnected = options.connections.add({
        kind: 'member',
        context,
        subscriptionId,
        memberId: join.memberId,
        load: seat.load,
        ...(join.agentInstanceId === undefined ? {} : { agentInstanceId: join.agentInstanceId }),
      })
      const silent = options.signsOfLife.opened(context, join.agentInstanceId)
      return framesOf(seat, signal, () => {
        disconnected()
        silent()
        seat.leave()
      })
    },
    pull: async (
      context: Context,
      subscriptionId: string,
      want: { memberId: string; max: number; waitMs: number; signal: AbortSignal },
    ) => {
      const { signal, memberId, ...wait } = want
      const found = await find(context, subscriptionId, { memberId, isJoining: true })
      const ends = [signal, options.draining]
      if ('group' in found) {
        const member = await enter(context, found.group, memberId)
        found.group.members.set(memberId, member)
        return { deliveries: [...(await pull(found.group, member, { ...wait, ends }))] }
      }
      await remember(context, found.at.subscription.id, memberId)
      const principalId = context.principal.id
      return { deliveries: [...(await guests.pull(found.at, { ...wait, memberId, principalId, ends }))] }
    },
    settle: async (context: Context, subscriptionId: string, body: SettleBody) => {
      const found = await find(context, subscriptionId, { memberId: body.memberId, isJoining: false })
      return 'group' in found
        ? settle(context, found.group, { body, options })
        : settleElsewhere(context, found.at, { body, options })
    },
    list: async (
      context: Context,
      subscriptionId: string,
      query: { limit: number; cursor?: string | undefined; state?: string | undefined; key?: string | undefined },
    ) => {
      const id = uuidOf('sub', subscriptionId)
      const place = decodeCursor(query.cursor, ['text', 'smallint', 'integer', 'uuid'])
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
        key: (row) => [row.topic, row.part, row.pos, row.delivery_id],
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

  /** The lease is in the database, its dispatcher not yet in memory after a restart, or in another process. */
  async function restore(context: Context, uuid: string) {
    const name = await database.transaction(context, (tx) => groupOfDelivery(tx, uuid))
    if (name === undefined || !name.startsWith('sub:')) return undefined
    const found = await groups.find(dispatchOf(name))
    if (found === undefined || 'group' in found) return options.leases.get(uuid)
    const group = await groups.detached(found.at, [uuid])
    const held = group.leased.get(uuid)
    return held === undefined ? undefined : { group, held }
  }
}

/** A member of a group that is dispatched here. What is still leased to it comes first, again, with the attempt unchanged (EVT-R29). */
export async function sit(
  group: Group,
  member: Member,
  { credits, agentInstanceId }: Pick<Join, 'credits' | 'agentInstanceId'>,
): Promise<Seat> {
  await Promise.all([...member.inFlight.values()].map((held) => loadRecord(group, held)))
  const sink = createFrameQueue()
  member.sink?.end(REPLACED)
  Object.assign(member, { sink, host: undefined, credits, agentInstanceId, graceUntilMs: Number.POSITIVE_INFINITY })
  group.members.set(member.id, member)
  const again = [...member.inFlight.values()].filter(
    (held) => group.leased.has(held.deliveryId) && held.record !== undefined,
  )
  for (const held of again) sink.push({ event: 'delivery', data: deliveryOf(held, true) })
  await tellGaps(group)
  // Whoever ended the dispatcher meanwhile has ended the streams that it knew; a stream of a dispatcher that is no more would be silent for ever.
  if (group.isClosed) sink.end(ELSEWHERE)
  group.assign()
  return {
    sink,
    load: () => ({ credits: member.credits, inFlight: member.inFlight.size }),
    leave: () => {
      if (member.sink === sink) disconnect(group, member)
    },
  }
}

/** The frames of a member, until its connection or its stream ends. */
function framesOf({ sink }: Seat, signal: AbortSignal, leave: () => void): AsyncIterable<MemberFrame> {
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
