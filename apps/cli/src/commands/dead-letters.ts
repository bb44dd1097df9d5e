import { withoutUndefined } from '@soma/kernel'
import { randomUUID } from 'node:crypto'
import type { Clients } from '@soma/sdk/clients'
import { UsageError } from '../failure.ts'
import { fieldsView, pageView } from '../output/view.ts'
import { resolveId } from '../resolve-id.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

type DeadLetter = Awaited<ReturnType<Clients['events']['deadLetters']['get']>>

interface Filters {
  readonly group?: string
  readonly topic?: string
  readonly type?: string
  readonly code?: string
}

const listView = pageView<DeadLetter>(
  [
    { title: 'delivery', of: ({ deliveryId }) => deliveryId, kind: 'id' },
    { title: 'state', of: ({ state }) => state, kind: 'status' },
    { title: 'type', of: ({ type }) => type },
    { title: 'group', of: ({ group }) => group },
    { title: 'tries', of: ({ attempts }) => attempts.length },
    { title: 'dead', of: ({ deadAt }) => deadAt, kind: 'time' },
    { title: 'problem', of: ({ problem }) => `${problem.code}: ${problem.detail}`, kind: 'text' },
  ],
  ({ deliveryId }) => deliveryId,
)

const letterView = fieldsView<DeadLetter>(
  ({ deliveryId, state, type, group, eventId, problem, handler, attempts, deadAt, event, resolution }) => [
    { name: 'delivery', value: deliveryId, kind: 'id' },
    { name: 'state', value: state, kind: 'status' },
    { name: 'type', value: type },
    { name: 'event', value: eventId },
    { name: 'group', value: group },
    { name: 'handler', value: handler },
    { name: 'problem', value: `${problem.code}: ${problem.detail}` },
    ...attempts.map((attempt, index) => ({
      name: `attempt ${index + 1}`,
      value: `${attempt.at} ${attempt.problem.code}: ${attempt.problem.detail}`,
    })),
    { name: 'dead', value: deadAt, kind: 'time' },
    { name: 'data', value: event.data === undefined ? undefined : JSON.stringify(event.data) },
    { name: 'note', value: resolution?.note },
  ],
  ({ deliveryId }) => [deliveryId],
)

/** A group as the API names it: the handlers of a module, or a subscription. */
export const groupOf = (group: string | undefined) =>
  withoutUndefined(group?.startsWith('module:') === true ? { moduleGroup: group } : { subscriptionId: group })

/** The flags as the API names them. */
const filterOf = ({ group, topic, type, code }: Filters) => ({
  ...groupOf(group),
  ...withoutUndefined({ topic, type, code }),
})

const countView = fieldsView<{ matched: number; replayed: number }>(
  ({ matched, replayed }) => [
    { name: 'matched', value: matched },
    { name: 'replayed', value: replayed },
  ],
  () => [],
)

export async function listDeadLetters({
  session,
  flags,
}: Handling<PageFlags & Filters & { state?: DeadLetter['state'] }>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, state } = flags
  const query = { ...withoutUndefined({ limit, cursor, state }), ...filterOf(flags) }
  const page = await clients.events.deadLetters.list({ query })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function showDeadLetter({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const deliveryId = await resolveDeadLetter(args[0] as string, clients)
  await session.printer.result(await clients.events.deadLetters.get({ params: { deliveryId } }), letterView)
}

export async function discardDeadLetter({ session, flags, args }: Handling<{ note: string }>): Promise<void> {
  const { clients } = await session.connect()
  const deliveryId = await resolveDeadLetter(args[0] as string, clients)
  const discarded = await clients.events.deadLetters.discard({ params: { deliveryId }, body: { note: flags.note } })
  await session.printer.result(discarded, letterView)
}

const purgedView = fieldsView<{ purged: number }>(
  ({ purged }) => [{ name: 'purged', value: purged }],
  () => [],
)

type PurgeFlags = Filters & {
  readonly note: string
  readonly state?: 'open' | 'replayed' | 'discarded'
  readonly since?: string
  readonly until?: string
}

/** Counts first and asks: what is purged is gone. */
export async function purgeDeadLetters({ session, flags }: Handling<PurgeFlags>): Promise<void> {
  const { note, state, since: from, until: to } = flags
  const filter = { ...filterOf(flags), ...withoutUndefined({ state, from, to }) }
  if (Object.keys(filter).length === 0)
    throw new UsageError(
      'choose by --group, --topic, --type, --code, --state, --since or --until: never all by omission',
    )
  const { clients } = await session.connect()
  const { items, nextCursor } = await clients.events.deadLetters.list({ query: { ...filter, limit: 200 } })
  const count = nextCursor === null ? String(items.length) : 'more than 200'
  const isWanted = items.length > 0 && (await session.confirm(`Delete ${count} dead letters for good?`))
  const answer = isWanted ? await clients.events.deadLetters.purge({ query: { ...filter, note } }) : { purged: 0 }
  await session.printer.result(answer, purgedView)
}

type ReplayFlags = Filters & { readonly note: string; readonly max?: number; readonly rate?: number }

export async function replayDeadLetters({ session, flags, args }: Handling<ReplayFlags>): Promise<void> {
  const { note, max, rate } = flags
  const filter = filterOf(flags)
  const hasFilter = Object.keys(filter).length > 0
  if ((args[0] === undefined) === !hasFilter)
    throw new UsageError('name one dead letter, or choose by --group, --topic, --type or --code: one of the two')
  const { clients } = await session.connect()
  if (args[0] === undefined)
    return replayMany({ session, clients, filter, note, limits: withoutUndefined({ max, ratePerSecond: rate }) })
  const deliveryId = await resolveDeadLetter(args[0], clients)
  const letter = await clients.events.deadLetters.replay({ params: { deliveryId }, body: { note } })
  await session.printer.result(letter, letterView)
}

/** Counts first and asks: a replay repeats what handlers do. */
async function replayMany(options: {
  session: Handling<object>['session']
  clients: Clients
  filter: ReturnType<typeof filterOf>
  note: string
  limits: { max?: number; ratePerSecond?: number }
}): Promise<void> {
  const { session, clients, filter, note, limits } = options
  const body = { filter, note, ...limits }
  const counted = await clients.events.deadLetters.replayMany({
    body: { ...body, dryRun: true },
    idempotencyKey: randomUUID(),
  })
  const { matched } = counted
  if (matched === 0 || !(await session.confirm(`Deliver ${matched} again, with all that their handlers do?`))) {
    await session.printer.result(counted, countView)
    return
  }
  await session.printer.result(await clients.events.deadLetters.replayMany({ body }), countView)
}

const resolveDeadLetter = (text: string, clients: Clients): Promise<string> =>
  resolveId(text, {
    prefix: 'dlv',
    noun: 'dead letter',
    page: async (cursor) => {
      const page = await clients.events.deadLetters.list({ query: { limit: 200, ...withoutUndefined({ cursor }) } })
      return { ids: page.items.map(({ deliveryId }) => deliveryId), nextCursor: page.nextCursor }
    },
  })
