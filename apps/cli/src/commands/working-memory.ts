import { type Json, withoutUndefined } from '@soma/kernel'
import type { WorkingItem } from '@soma/memory/contract'
import type { Clients } from '@soma/sdk/clients'
import { fieldsView, pageView } from '../output/view.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'
import { resolvePlan } from './plans.ts'

const listView = pageView<WorkingItem>(
  [
    { title: 'key', of: ({ key }) => key, kind: 'id' },
    { title: 'version', of: ({ version }) => version },
    { title: 'written', of: ({ updatedAt }) => updatedAt, kind: 'time' },
    { title: 'value', of: ({ value }) => JSON.stringify(value), kind: 'text' },
  ],
  ({ key }) => key,
)

const itemView = fieldsView<WorkingItem>(
  (item) => [
    { name: 'key', value: item.key, kind: 'id' },
    { name: 'value', value: JSON.stringify(item.value) },
    { name: 'version', value: item.version },
    { name: 'writer', value: item.writer },
    { name: 'written', value: item.updatedAt },
    { name: 'expires', value: item.expiresAt },
  ],
  ({ key }) => [key],
)

interface PlaceFlags {
  readonly plan?: string
}

/** The working memory of a plan, else the scratch of the caller. */
async function placeOf({ plan }: PlaceFlags, clients: Clients) {
  if (plan === undefined) return { scopeType: 'user', scopeId: 'me' } as const
  return { scopeType: 'plan', scopeId: await resolvePlan(plan, clients) } as const
}

export async function listWorking({
  session,
  flags,
}: Handling<PageFlags & PlaceFlags & { prefix?: string }>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, prefix } = flags
  const query = withoutUndefined({ limit, cursor, prefix })
  const page = await clients.memory.working.list({ params: await placeOf(flags, clients), query })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function getWorking({ session, flags, args }: Handling<PlaceFlags>): Promise<void> {
  const { clients } = await session.connect()
  const params = { ...(await placeOf(flags, clients)), key: args[0] as string }
  await session.printer.result(await clients.memory.working.get({ params }), itemView)
}

interface PutFlags extends PlaceFlags {
  readonly ttlMs?: number
  readonly ifVersion?: number
}

export async function putWorking({ session, flags, args }: Handling<PutFlags>): Promise<void> {
  const value = (await readValue(args[1] as string)) as Json
  const { clients } = await session.connect()
  const { ttlMs, ifVersion: ifMatch } = flags
  const params = { ...(await placeOf(flags, clients)), key: args[0] as string }
  const body = { value, ...withoutUndefined({ ttlMs }) }
  await session.printer.result(
    await clients.memory.working.put({ params, body, ...withoutUndefined({ ifMatch }) }),
    itemView,
  )
}

export async function deleteWorking({ session, flags, args }: Handling<PlaceFlags>): Promise<void> {
  const { clients } = await session.connect()
  const params = { ...(await placeOf(flags, clients)), key: args[0] as string }
  const item = await clients.memory.working.get({ params })
  await clients.memory.working.delete({ params })
  await session.printer.result(item, itemView)
}
