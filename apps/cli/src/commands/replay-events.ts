import { randomUUID } from 'node:crypto'
import type { Clients } from '@soma/sdk/clients'
import { fieldsView } from '../output/view.ts'
import { withoutUndefined } from '@soma/kernel'
import type { Handling } from '../session.ts'
import { groupOf } from './dead-letters.ts'

type Replay = Awaited<ReturnType<Clients['events']['replays']['get']>>

const replayView = fieldsView<Replay>(
  ({ id, target, state, matched, delivered, dryRun }) => [
    { name: 'replay', value: id, kind: 'id' },
    { name: 'group', value: target },
    { name: 'state', value: state, kind: 'status' },
    { name: 'matched', value: matched },
    { name: 'delivered', value: dryRun ? undefined : delivered },
  ],
  ({ id }) => [id],
)

interface ReplayFlags {
  readonly group: string
  readonly topic?: string[]
  readonly type?: string[]
  readonly key?: string
  readonly since?: string
  readonly until?: string
  readonly rate?: number
  readonly note?: string
}

/** Counts first and asks: a replay repeats what handlers do. */
export async function replayEvents({ session, flags }: Handling<ReplayFlags>): Promise<void> {
  const { topic: topics, type: types, key, since: from, until: to, rate: ratePerSecond, note } = flags
  const { clients } = await session.connect()
  const body = { ...groupOf(flags.group), ...withoutUndefined({ topics, types, key, from, to, ratePerSecond, note }) }
  const counted = await clients.events.replays.create({ body: { ...body, dryRun: true }, idempotencyKey: randomUUID() })
  const question = `Deliver ${counted.matched} events again to ${counted.target}, with all that its handlers do?`
  const isWanted = counted.matched > 0 && (await session.confirm(question))
  await session.printer.result(isWanted ? await clients.events.replays.create({ body }) : counted, replayView)
}
