import { withoutUndefined } from '@soma/kernel'
import type { EventInput } from '@soma/events/contract'
import type { Clients } from '@soma/sdk/clients'
import { EXIT } from '../failure.ts'
import { fieldsView, pageView, type View } from '../output/view.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

type Definition = Awaited<ReturnType<Clients['registry']['events']['get']>>
type Graph = Awaited<ReturnType<Clients['registry']['graph']['get']>>
type Validated = Awaited<ReturnType<Clients['events']['events']['validate']>>

const typesView = pageView<Definition>(
  [
    { title: 'type', of: ({ type }) => type, kind: 'id' },
    { title: 'version', of: ({ version }) => version },
    { title: 'topic', of: ({ topic }) => topic },
    { title: 'kind', of: ({ kind }) => kind },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'consumers', of: ({ consumers }) => consumers },
    { title: 'description', of: ({ description }) => description, kind: 'text' },
  ],
  ({ type, version }) => `${type}@${version}`,
)

const validatedView = fieldsView<Validated>(
  ({ valid, dataSchema, problem }) => [
    { name: 'valid', value: valid ? 'yes' : 'no' },
    { name: 'schema', value: dataSchema },
    { name: 'problem', value: problem === undefined ? undefined : `${problem.code}: ${problem.detail}` },
  ],
  () => [],
)

interface TypeFlags extends PageFlags {
  readonly topic?: string
  readonly kind?: Definition['kind']
  readonly status?: Definition['status']
  readonly tag?: string
  readonly query?: string
  readonly actionable?: boolean
}

export async function listEventTypes({ session, flags }: Handling<TypeFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, topic, kind, status, tag, query: words, actionable } = flags
  const filters = { topic, kind, status, tag, query: words, actionable: actionable === true ? 'true' : undefined }
  const page = await clients.registry.events.list({ query: withoutUndefined({ limit, cursor, ...filters }) })
  await session.printer.result(page, typesView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

const graphView: View<Graph, Graph['edges'][number]> = {
  rows: ({ nodes, edges }) => {
    const names = new Map(nodes.map(({ id, kind, name }) => [id, kind === 'agent' ? name : id]))
    return edges.map((edge) => ({ ...edge, from: names.get(edge.from) ?? '', to: names.get(edge.to) ?? '' }))
  },
  columns: [
    { title: 'from', of: ({ from }) => from, kind: 'id' },
    { title: 'is', of: ({ kind }) => kind },
    { title: 'to', of: ({ to }) => to, kind: 'id' },
    { title: 'cycle', of: ({ inCycle }) => (inCycle ? 'yes' : '') },
  ],
  ids: ({ nodes }) => nodes.map(({ id }) => id),
}

export async function showGraph({
  session,
  flags,
}: Handling<{ agent?: string; type?: string; depth?: number }>): Promise<void> {
  const { clients } = await session.connect()
  const { agent, type, depth } = flags
  const graph = await clients.registry.graph.get({ query: withoutUndefined({ agent, type, depth }) })
  await session.printer.result(graph, graphView)
  for (const id of graph.withoutProducer) session.printer.note(`consumed, and no live agent produces it: ${id}`)
  session.printer.note(`${graph.withoutConsumer.length} events have no live consumer`)
}

interface ValidateFlags {
  readonly topic?: string
  readonly data?: string
  readonly schema?: string
}

export async function validateEvent({ session, flags, args }: Handling<ValidateFlags>): Promise<number> {
  const data = flags.data === undefined ? undefined : ((await readValue(flags.data)) as EventInput['data'])
  const { clients } = await session.connect()
  const body = { type: args[0] as string, ...withoutUndefined({ topic: flags.topic, dataSchema: flags.schema, data }) }
  const answer = await clients.events.events.validate({ body })
  await session.printer.result(answer, validatedView)
  for (const { code, detail } of answer.warnings) session.printer.note(`${code}: ${detail}`)
  return answer.valid ? EXIT.done : EXIT.checkFailed
}
