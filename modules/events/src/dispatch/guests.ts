import { type Logger, newUuid, toId } from '@soma/kernel'
import { onFirstAbort } from '../log/wake.ts'
import { createFrameQueue, type DeliveryData, type FrameQueue } from './frame-queue.ts'
import type { Group } from './group.ts'
import type { Elsewhere, Groups } from './groups.ts'
import { deliveryOf, type HeldEvent } from './held-event.ts'
import { disconnect, ELSEWHERE, REPLACED } from './hosting.ts'
import { memberOf } from './members.ts'
import type { Nodes, Notice } from './nodes.ts'
import { RENEW_MS } from './presence.ts'
import { loadRecord } from './loading.ts'

/** On top of what a pull waits: the way to the dispatcher and back. */
const PATIENCE_MS = 2000
/** When the lease of a dispatcher has ended, its successor may claim. */
const AFTER_LAPSE_MS = 10
/** After a look that failed. */
const RETRY_MS = 1000

/** A member that is connected here while another process dispatches its subscription. */
interface Guest {
  readonly memberId: string
  readonly principalId: string
  credits: number
  readonly agentInstanceId: string | undefined
  readonly stream: string
  readonly sink: FrameQueue
  /** `delivery:attempt` of the frames that were written. */
  readonly sent: Set<string>
  /** Leased to it and not written when last looked: still so at the next look, its notice is lost. */
  unheard: ReadonlySet<string>
  /** The dispatcher, once it is in this process. */
  group: Group | undefined
}

/** The guests of one subscription. */
interface Party {
  at: Elsewhere
  readonly guests: Map<string, Guest>
  timer: NodeJS.Timeout | undefined
}

/** A connected member, wherever its dispatcher is. */
export interface Seat {
  readonly sink: FrameQueue
  load(): { credits: number; inFlight: number }
  /** Its connection ended. */
  leave(): void
}

export interface Guests {
  connect(at: Elsewhere, member: Pick<Guest, 'memberId' | 'principalId' | 'credits' | 'agentInstanceId'>): Seat
  pull(
    at: Elsewhere,
    want: { memberId: string; principalId: string; max: number; waitMs: number; ends: readonly AbortSignal[] },
  ): Promise<readonly DeliveryData[]>
  giveCredits(at: Elsewhere, given: { memberId: string; principalId: string; credits: number }): void
  /** What a dispatcher tells. */
  receive(notice: Notice): void
  /** Looks who dispatches the subscription, if it has guests. */
  visit(subscriptionId: string): void
  close(): void
}

/** Members of subscriptions that other processes dispatch. Frames are written from the rows that the dispatcher leased to them. */
export function createGuests({ nodes, groups, log }: { nodes: Nodes; groups: Groups; log: Logger }): Guests {
  const parties = new Map<string, Party>()
  const pulls = new Map<string, (ids: readonly string[]) => void>()

  const visit = (id: string) => {
    const party = parties.get(id)
    if (party === undefined) return
    clearTimeout(party.timer)
    void look(id, party)
      .catch((error: unknown) => {
        log.warn('the dispatcher of a subscription cannot be looked up', { subscription: id, error })
        return RETRY_MS
      })
      .then((nextMs) => {
        clearTimeout(party.timer)
        if (party.guests.size === 0) parties.delete(id)
        else party.timer = setTimeout(() => visit(id), nextMs).unref()
      })
  }
  /** Answers when to look again. */
  const look = async (id: string, party: Party): Promise<number> => {
    const found = await groups.find(id)
    const guests = [...party.guests.values()]
    if (found !== undefined && 'at' in found) {
      party.at = found.at
      for (const guest of guests) nodes.tell(found.at.owner, joinOf(id, guest, false))
      await writeUnheard(party)
      return Math.max(0, Math.min(RENEW_MS, found.at.lapsesAtMs - performance.now())) + AFTER_LAPSE_MS
    }
    party.guests.clear()
    if (found === undefined) for (const { sink } of guests) sink.end('the subscription was deleted')
    else for (const guest of guests) await adopt(found.group, guest)
    return 0
  }
  const joinOf = (subscriptionId: string, guest: Guest, isNew: boolean) => {
    const { memberId, principalId, credits, stream, agentInstanceId } = guest
    const who = { memberId, principalId, stream, ...(agentInstanceId === undefined ? {} : { agentInstanceId }) }
    return { op: 'join', subscriptionId, ...who, credits, from: nodes.id, isNew } as const
  }
  const writeUnheard = async ({ at, guests }: Party) => {
    const before = new Map([...guests].map(([id, { sent }]) => [id, new Set(sent)]))
    const rows = await groups.leasedTo(at, [...guests.keys()])
    for (const guest of guests.values()) {
      const own = new Map(rows.filter(({ member }) => member === guest.memberId).map((row) => [leaseKey(row), row]))
      for (const key of before.get(guest.memberId) ?? []) if (!own.has(key)) guest.sent.delete(key)
      const missing = [...own].filter(([key]) => !guest.sent.has(key))
      const ids = missing.flatMap(([key, row]) => (guest.unheard.has(key) ? row.delivery_id : []))
      guest.unheard = new Set(missing.map(([key]) => key))
      if (ids.length > 0) await write(at, guest, { ids, isAgain: false })
    }
  }
  const write = async (at: Elsewhere, guest: Guest, { ids, isAgain }: { ids: readonly string[]; isAgain: boolean }) => {
    for (const held of await leasedRows(at, guest.memberId, ids)) {
      guest.sent.add(keyOf(held))
      guest.sink.push({ event: 'delivery', data: deliveryOf(held, isAgain) })
    }
  }
  const leasedRows = async (at: Elsewhere, memberId: string, ids: readonly string[]): Promise<HeldEvent[]> => {
    const group = await groups.detached(at, ids)
    const leased = [...group.leased.values()].filter(({ member }) => member?.id === memberId)
    await Promise.all(leased.map((held) => loadRecord(group, held)))
    return leased.filter(({ record }) => record !== undefined)
  }
  const remove = (id: string, guest: Guest) => {
    const party = parties.get(id)
    if (party?.guests.get(guest.memberId) === guest) party.guests.delete(guest.memberId)
    return party
  }
  const leave = (id: string, guest: Guest) => {
    const member = guest.group?.members.get(guest.memberId)
    if (guest.group !== undefined) {
      if (member?.sink === guest.sink) disconnect(guest.group, member)
      return
    }
    const { memberId, stream } = guest
    const owner = remove(id, guest)?.at.owner
    if (owner !== undefined) nodes.tell(owner, { op: 'leave', subscriptionId: id, memberId, stream })
  }

  return {
    visit,
    connect: (at, member) => {
      const { id } = at
      const guest = {
        ...member,
        stream: newUuid(),
        sink: createFrameQueue(),
        sent: new Set<string>(),
        unheard: new Set<string>(),
        group: undefined,
      }
      const party = parties.get(id) ?? { at, guests: new Map(), timer: undefined }
      party.guests.get(guest.memberId)?.sink.end(REPLACED)
      party.guests.set(guest.memberId, guest)
      if (!parties.has(id)) parties.set(id, party)
      nodes.tell(at.owner, joinOf(id, guest, true))
      party.timer ??= setTimeout(() => visit(id), Math.min(RENEW_MS, at.lapsesAtMs - performance.now())).unref()
      return {
        sink: guest.sink,
        load: () => ({ credits: guest.credits, inFlight: guest.sent.size }),
        leave: () => leave(id, guest),
      }
    },
    pull: async (at, { max, waitMs, memberId, principalId, ends }) => {
      const request = newUuid()
      const ids = await new Promise<readonly string[]>((resolve) => {
        pulls.set(request, resolve)
        const timer = setTimeout(() => resolve([]), waitMs + PATIENCE_MS).unref()
        const stopListening = onFirstAbort(ends, () => resolve([]))
        const { id } = at
        nodes.tell(at.owner, {
          op: 'pull',
          subscriptionId: id,
          memberId,
          principalId,
          request,
          max,
          waitMs,
          from: nodes.id,
        })
        pulls.set(request, (answer) => {
          clearTimeout(timer)
          stopListening()
          resolve(answer)
        })
      }).finally(() => pulls.delete(request))
      if (ids.length === 0) return []
      return (await leasedRows(at, memberId, ids)).map((held) => deliveryOf(held, false))
    },
    giveCredits: (at, { memberId, principalId, credits }) => {
      const { id } = at
      const guest = parties.get(id)?.guests.get(memberId)
      if (guest?.principalId === principalId) guest.credits = credits
      nodes.tell(at.owner, { op: 'credits', subscriptionId: id, memberId, principalId, credits, from: nodes.id })
    },
    receive: (notice) => {
      if (notice.op === 'pulled') return pulls.get(notice.request)?.(notice.ids)
      const { subscriptionId: id } = notice
      const party = parties.get(id)
      if (notice.op === 'released') return visit(id)
      const guest = 'stream' in notice ? party?.guests.get(notice.memberId) : undefined
      if (party === undefined || guest === undefined || !('stream' in notice) || notice.stream !== guest.stream) return
      if (notice.op === 'end') {
        guest.sink.end(notice.reason)
        remove(id, guest)
      } else if (notice.op === 'gap') guest.sink.push({ event: 'gap', data: notice.gap })
      else if (notice.op === 'lease-lost')
        guest.sink.push({
          event: 'lease-lost',
          data: { deliveryId: toId('dlv', notice.deliveryId), reason: notice.reason },
        })
      else if (notice.op === 'deliver')
        write(party.at, guest, notice).catch((error: unknown) => {
          // The next look finds them.
          log.warn('deliveries cannot be read', { subscription: id, error })
        })
    },
    close: () => {
      for (const { guests, timer } of parties.values()) {
        clearTimeout(timer)
        for (const { sink } of guests.values()) sink.end('the server stops')
      }
      parties.clear()
    },
  }
}

const leaseKey = (row: { readonly delivery_id: string; readonly attempt: number }): string =>
  `${row.delivery_id}:${row.attempt}`

const keyOf = ({ deliveryId, attempt }: HeldEvent): string => `${deliveryId}:${attempt}`

/** The dispatcher is here now. What it leased to the guest and was not written yet follows. */
async function adopt(group: Group, guest: Guest): Promise<void> {
  const { memberId, principalId, credits, sink, agentInstanceId } = guest
  if (group.isClosed) return sink.end(ELSEWHERE)
  const known = group.members.get(memberId)
  if (known !== undefined && (known.principalId !== principalId || known.sink !== undefined)) return sink.end(REPLACED)
  const member = memberOf(group.members, memberId, principalId)
  Object.assign(member, { sink, credits, agentInstanceId, graceUntilMs: Number.POSITIVE_INFINITY })
  guest.group = group
  const unwritten = [...member.inFlight.values()].filter((held) => !guest.sent.has(keyOf(held)))
  await Promise.all(unwritten.map((held) => loadRecord(group, held)))
  for (const held of unwritten)
    if (group.leased.has(held.deliveryId) && held.record !== undefined)
      sink.push({ event: 'delivery', data: deliveryOf(held, true) })
  group.assign()
}
