import { withoutUndefined } from '@soma/kernel'
import type { AgentRecord, Discovered, FoundItem } from '@soma/registry/contract'
import type { Column, View } from '../output/view.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

interface Offer {
  readonly agent: string
  readonly capability: AgentRecord['capabilities'][number]
}

const offersOf = ({ items }: { readonly items: readonly AgentRecord[] }): Offer[] =>
  items.flatMap(({ name, capabilities }) => capabilities.map((capability) => ({ agent: name, capability })))

const offersView: View<{ readonly items: readonly AgentRecord[] }, Offer> = {
  rows: offersOf,
  columns: [
    { title: 'capability', of: ({ capability }) => capability.name, kind: 'id' },
    { title: 'agent', of: ({ agent }) => agent, kind: 'id' },
    { title: 'asked by', of: ({ capability }) => capability.consumes?.type },
    { title: 'versions', of: ({ capability }) => capability.versions.join(', ') },
    { title: 'description', of: ({ capability }) => capability.description, kind: 'text' },
  ],
  ids: (page) => [...new Set(offersOf(page).map(({ capability }) => capability.name))],
}

export async function listCapabilities({ session, flags }: Handling<PageFlags & { name?: string }>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, name: capability } = flags
  const page = await clients.registry.agents.list({ query: withoutUndefined({ limit, cursor, capability }) })
  await session.printer.result(page, offersView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

const foundView = (offers: Column<FoundItem>): View<Discovered, FoundItem> => ({
  rows: ({ items }) => items,
  columns: [
    { title: offers.title === 'agent' ? 'capability' : 'agent', of: ({ name }) => name, kind: 'id' },
    offers,
    { title: 'score', of: ({ score }) => score.toFixed(2) },
    { title: 'description', of: ({ description }) => description, kind: 'text' },
  ],
  ids: ({ items }) => items.map(({ name }) => name),
})

const agentsView = foundView({
  title: 'offers',
  of: (item) => (item.kind === 'agent' ? item.capabilities.join(', ') : ''),
})
const capabilitiesView = foundView({ title: 'agent', of: (item) => (item.kind === 'capability' ? item.agent : '') })

type FindFlags = { readonly limit?: number }

export const findAgents = (handling: Handling<FindFlags>): Promise<void> => find(handling, 'agent', agentsView)
export const findCapabilities = (handling: Handling<FindFlags>): Promise<void> =>
  find(handling, 'capability', capabilitiesView)

async function find(
  { session, flags, args }: Handling<FindFlags>,
  want: 'agent' | 'capability',
  view: View<Discovered, FoundItem>,
): Promise<void> {
  const { clients } = await session.connect()
  const query = (args as readonly unknown[]).flat().join(' ')
  const body = { query, want: [want], ...withoutUndefined({ limit: flags.limit }) }
  const found = await clients.registry.discovery.search({ body })
  await session.printer.result(found, view)
  if (found.items.length === 0) session.printer.note('nobody offers that')
}
