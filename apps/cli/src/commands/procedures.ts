import { withoutUndefined } from '@soma/kernel'
import type { Procedure, SelectedProcedure } from '@soma/memory/contract'
import { fieldsView, pageView, type View } from '../output/view.ts'
import { readText } from '../read-value.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

const listView = pageView<Procedure>(
  [
    { title: 'version', of: ({ id }) => id, kind: 'id' },
    { title: 'agent', of: ({ agentId }) => agentId },
    { title: 'name', of: ({ name, version }) => `${name} ${version}` },
    { title: 'type', of: ({ type }) => type },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'uses', of: ({ uses, wins }) => `${uses}, ${wins} won` },
    { title: 'text', of: ({ content }) => content, kind: 'text' },
  ],
  ({ id }) => id,
)

const procedureView = fieldsView<Procedure>(
  (one) => [
    { name: 'version', value: one.id, kind: 'id' },
    { name: 'name', value: `${one.name} ${one.version}` },
    { name: 'agent', value: one.agentId },
    { name: 'type', value: one.type },
    { name: 'status', value: one.status, kind: 'status' },
    { name: 'trigger', value: one.trigger },
    { name: 'text', value: one.content },
  ],
  ({ id }) => [id],
)

const selectedView: View<{ readonly procedures: readonly SelectedProcedure[] }, SelectedProcedure> = {
  rows: ({ procedures }) => procedures,
  columns: [
    { title: 'version', of: ({ procedure }) => procedure.id, kind: 'id' },
    { title: 'name', of: ({ procedure }) => `${procedure.name} ${procedure.version}` },
    { title: 'why', of: ({ why }) => why },
    { title: 'relevance', of: ({ relevance }) => relevance.toFixed(2) },
    { title: 'text', of: ({ procedure }) => procedure.content, kind: 'text' },
  ],
  ids: ({ procedures }) => procedures.map(({ procedure }) => procedure.id),
}

type ListFlags = PageFlags & {
  readonly agent?: string
  readonly name?: string
  readonly status?: Procedure['status']
}

export async function listProcedures({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, agent, name, status } = flags
  const query = withoutUndefined({ limit, cursor, agentId: agent, name, status })
  const page = await clients.memory.procedures.list({ query })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

interface DraftFlags {
  readonly agent: string
  readonly type: Procedure['type']
  readonly trigger: string
  readonly tag?: readonly string[]
  readonly scope?: 'user' | 'space' | 'tenant'
}

export async function draftProcedure({ session, flags, args }: Handling<DraftFlags>): Promise<void> {
  const { agent, type, trigger, tag, scope } = flags
  const content = await readText(args[1] as string)
  const { clients } = await session.connect()
  const more = withoutUndefined({ tags: tag && [...tag], scope: scope && { type: scope } })
  const body = { agentId: agent, name: args[0] as string, type, trigger, content, ...more }
  await session.printer.result(await clients.memory.procedures.create({ body }), procedureView)
}

export async function activateProcedure({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const params = { procedureId: args[0] as string }
  await session.printer.result(await clients.memory.procedures.activate({ params }), procedureView)
}

export async function retireProcedure({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const params = { procedureId: args[0] as string }
  await session.printer.result(await clients.memory.procedures.retire({ params }), procedureView)
}

export async function selectProcedures({
  session,
  flags,
  args,
}: Handling<{ readonly agent: string; readonly limit?: number }>): Promise<void> {
  const { clients } = await session.connect()
  const context = (args[0] as unknown as readonly string[]).join(' ')
  const body = { agentId: flags.agent, context, ...withoutUndefined({ limit: flags.limit }) }
  await session.printer.result(await clients.memory.procedures.select({ body }), selectedView)
}
