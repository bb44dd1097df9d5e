import { withoutUndefined } from '@soma/kernel'
import type { AgentRecord } from '@soma/registry/contract'
import { fieldsView, pageView } from '../output/view.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

const listView = pageView<AgentRecord>(
  [
    { title: 'agent', of: ({ name }) => name, kind: 'id' },
    { title: 'kind', of: ({ kind }) => kind },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'versions', of: ({ versions }) => versions.join(', ') },
    { title: 'processes', of: ({ instances }) => instances.length },
    { title: 'seen', of: ({ lastSeenAt }) => lastSeenAt, kind: 'time' },
    { title: 'description', of: ({ description }) => description, kind: 'text' },
  ],
  ({ name }) => name,
)

const typesOf = (events: AgentRecord['consumes']): string => events.map(({ type }) => type).join(', ')

const agentView = fieldsView<AgentRecord>(
  (agent) => [
    { name: 'agent', value: agent.name, kind: 'id' },
    { name: 'kind', value: agent.kind },
    { name: 'description', value: agent.description },
    { name: 'status', value: agent.status, kind: 'status' },
    { name: 'versions', value: agent.versions.join(', ') },
    { name: 'owner', value: agent.ownerId },
    { name: 'capabilities', value: agent.capabilities.map(({ name }) => name).join(', ') },
    { name: 'handles', value: typesOf(agent.consumes) },
    { name: 'publishes', value: typesOf(agent.produces) },
    { name: 'tags', value: agent.tags.join(', ') },
    ...agent.instances.map(({ instanceId, agentVersion, health, lastSeenAt }) => ({
      name: 'process',
      value: `${instanceId} ${agentVersion} ${health}, seen ${lastSeenAt}`,
    })),
    { name: 'made', value: agent.createdAt },
    { name: 'seen', value: agent.lastSeenAt },
  ],
  ({ name }) => [name],
)

interface ListFlags extends PageFlags {
  readonly kind?: AgentRecord['kind']
  readonly status?: AgentRecord['status']
  readonly capability?: string
  readonly consumes?: string
  readonly tag?: string
  readonly query?: string
  readonly all?: boolean
}

export async function listAgents({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, kind, status, capability, consumes, tag, query: words, all } = flags
  const includeExpired = all === true ? 'true' : undefined
  const query = { limit, cursor, kind, status, capability, consumes, tag, query: words, includeExpired }
  const page = await clients.registry.agents.list({ query: withoutUndefined(query) })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function showAgent({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const agent = await clients.registry.agents.get({ params: { name: args[0] as string } })
  await session.printer.result(agent, agentView)
}
