import { withoutUndefined } from '@soma/kernel'
import type { Item, ItemKind, RecallHit, RememberResult } from '@soma/memory/contract'
import { UsageError } from '../failure.ts'
import { fieldsView, pageView, type View } from '../output/view.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'
import { resolvePlan } from './plans.ts'

const rememberedView: View<{ readonly results: readonly RememberResult[] }, RememberResult> = {
  rows: ({ results }) => results,
  columns: [
    { title: 'item', of: ({ id }) => id, kind: 'id' },
    { title: 'outcome', of: ({ outcome }) => outcome, kind: 'status' },
    { title: 'version', of: ({ version }) => version },
    { title: 'replaced', of: ({ replacedIds }) => replacedIds.join(' ') },
    { title: 'warnings', of: ({ warnings }) => warnings.join('; '), kind: 'text' },
  ],
  ids: ({ results }) => results.flatMap(({ id }) => id ?? []),
}

const recalledView: View<{ readonly hits: readonly RecallHit[] }, RecallHit> = {
  rows: ({ hits }) => hits,
  columns: [
    { title: 'item', of: ({ item }) => item.id, kind: 'id' },
    { title: 'score', of: ({ score }) => score.toPrecision(2) },
    { title: 'relevance', of: ({ relevance }) => relevance.toFixed(2) },
    { title: 'parts', of: ({ parts }) => partsOf(parts) },
    { title: 'layer', of: ({ layer }) => layer },
    { title: 'source', of: ({ item }) => sourceOf(item) },
    { title: 'text', of: ({ excerpt }) => excerpt, kind: 'text' },
  ],
  ids: ({ hits }) => hits.map(({ item }) => item.id),
}

const listView = pageView<Item>(
  [
    { title: 'item', of: ({ id }) => id, kind: 'id' },
    { title: 'scope', of: ({ scope }) => scope.type },
    { title: 'trust', of: ({ trust }) => trust },
    { title: 'recorded', of: ({ recordedAt }) => recordedAt, kind: 'time' },
    { title: 'text', of: ({ content }) => content, kind: 'text' },
  ],
  ({ id }) => id,
)

const itemView = fieldsView<Item>(
  (item) => [
    { name: 'item', value: item.id, kind: 'id' },
    { name: 'text', value: item.content },
    { name: 'status', value: item.kind === 'episode' ? undefined : item.status, kind: 'status' },
    { name: 'slot', value: item.kind === 'fact' && item.subject !== undefined ? slotOf(item) : undefined },
    { name: 'valid', value: item.kind === 'fact' ? `${item.validFrom} to ${item.validTo ?? 'now'}` : undefined },
    { name: 'occurred', value: item.kind === 'episode' ? item.occurredAt : undefined },
    { name: 'agent', value: item.kind === 'fact' ? undefined : item.agentId },
    { name: 'name', value: item.kind === 'procedure' ? `${item.name} version ${item.version}` : undefined },
    { name: 'trigger', value: item.kind === 'procedure' ? item.trigger : undefined },
    { name: 'uses', value: item.kind === 'procedure' ? `${item.uses}, ${item.wins} won` : undefined },
    { name: 'scope', value: item.scope.type },
    { name: 'owner', value: item.ownerId },
    { name: 'trust', value: item.trust },
    { name: 'source', value: sourceOf(item) },
    { name: 'tags', value: item.tags.length === 0 ? undefined : item.tags.join(', ') },
    { name: 'recorded', value: item.recordedAt },
    { name: 'expires', value: item.expiresAt },
  ],
  ({ id }) => [id],
)

const slotOf = ({ subject, predicate }: { subject?: string | undefined; predicate?: string | undefined }): string =>
  `${subject} ${predicate}`

const sourceOf = ({ source }: Item): string => (source === undefined ? '' : `${source.kind} ${source.ref}`.trimEnd())

/** `lexical 0.016, salience 0.9, …`: the factors of the score. */
const partsOf = (parts: RecallHit['parts']): string =>
  Object.entries(parts)
    .map(([name, value]) => `${name} ${value.toPrecision(2)}`)
    .join(', ')

interface RememberFlags {
  readonly subject?: string
  readonly predicate?: string
  readonly key?: string
  readonly tag?: readonly string[]
  readonly scope?: 'user' | 'space' | 'tenant'
  readonly plan?: string
}

export async function rememberFact({ session, flags, args }: Handling<RememberFlags>): Promise<void> {
  const { subject, predicate, key, tag, scope, plan } = flags
  if ((subject === undefined) !== (predicate === undefined))
    throw new UsageError('a slot has both: give --subject and --predicate')
  if (scope !== undefined && plan !== undefined) throw new UsageError('--scope or --plan: one of the two')
  const { clients } = await session.connect()
  const where = plan === undefined ? scope && { type: scope } : { type: 'plan', id: await resolvePlan(plan, clients) }
  const item = {
    ...{ kind: 'fact' as const, content: args[0] as string },
    ...withoutUndefined({ subject, predicate, externalId: key, tags: tag, scope: where }),
  }
  const answer = await clients.memory.items.remember({ body: { items: [item as never] } })
  await session.printer.result(answer, rememberedView)
}

interface RecallFlags {
  readonly kind?: ItemKind
  readonly tag?: readonly string[]
  readonly plan?: string
  readonly limit?: number
}

export async function recallItems({ session, flags, args }: Handling<RecallFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { kind, tag, plan, limit } = flags
  const planId = plan === undefined ? undefined : await resolvePlan(plan, clients)
  const tags = tag === undefined ? undefined : [...tag]
  const filter = withoutUndefined({ kinds: kind === undefined ? undefined : [kind], tags, planId, limit })
  const query = (args[0] as unknown as readonly string[]).join(' ')
  const answer = await clients.memory.items.recall({ body: { query, ...filter } })
  await session.printer.result(answer, recalledView)
  for (const { from, to } of answer.understood.corrected) session.printer.note(`"${from}" was also read as "${to}"`)
  if (answer.degraded.length > 0) session.printer.note(`left out, because down or slow: ${answer.degraded.join(', ')}`)
}

type ListFlags = PageFlags & { readonly kind?: ItemKind; readonly tag?: string; readonly plan?: string }

export async function listItems({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, kind, tag, plan } = flags
  const planId = plan === undefined ? undefined : await resolvePlan(plan, clients)
  const page = await clients.memory.items.list({ query: withoutUndefined({ limit, cursor, kind, tag, planId }) })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function showItem({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const item = await clients.memory.items.get({ params: { itemId: args[0] as string } })
  await session.printer.result(item, itemView)
}

const forgottenView: View<
  { readonly counts: Readonly<Record<string, number>>; readonly itemIds: readonly string[] },
  [string, number]
> = {
  rows: ({ counts }) => Object.entries(counts),
  columns: [
    { title: 'what', of: ([name]) => name },
    { title: 'count', of: ([, count]) => count },
  ],
  ids: ({ itemIds }) => itemIds,
}

interface ForgetFlags {
  readonly subject?: string
  readonly plan?: string
  readonly sessionId?: string
  readonly source?: string
  readonly reason?: string
}

/** Counts what would go, asks, and erases it. */
export async function forgetItems({ session, flags, args }: Handling<ForgetFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { subject, plan, sessionId, source, reason } = flags
  const itemIds = args[0] as unknown as string[]
  const select = withoutUndefined({
    itemIds: itemIds.length === 0 ? undefined : itemIds,
    subject: subject === undefined ? undefined : { userId: subject },
    planId: plan === undefined ? undefined : await resolvePlan(plan, clients),
    sessionId,
    sourceRef: source,
  })
  if (Object.keys(select).length !== 1)
    throw new UsageError('name items, or choose by --subject, --plan, --session-id or --source: one of them')
  const body = { select, ...withoutUndefined({ reason }) }
  const counted = await clients.memory.items.forget({ body: { ...body, dryRun: true } })
  const total = Object.values(counted.counts).reduce((sum, count) => sum + count, 0)
  const what = Object.entries(counted.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
  const isWanted = total > 0 && (await session.confirm(`Erase ${what.join(', ')} for good?`))
  await session.printer.result(isWanted ? await clients.memory.items.forget({ body }) : counted, forgottenView)
}
