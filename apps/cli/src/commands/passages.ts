import { withoutUndefined } from '@soma/kernel'
import type { BuiltContext, RetrievedPassage } from '@soma/memory/contract'
import { fieldsView, type View } from '../output/view.ts'
import type { Handling } from '../session.ts'
import { resolvePlan } from './plans.ts'

const passagesView: View<{ readonly passages: readonly RetrievedPassage[] }, RetrievedPassage> = {
  rows: ({ passages }) => passages,
  columns: [
    { title: 'n', of: ({ n }) => n },
    { title: 'items', of: ({ itemIds }) => itemIds.join(' '), kind: 'id' },
    { title: 'score', of: ({ score }) => score.toPrecision(2) },
    { title: 'tokens', of: ({ tokens }) => tokens },
    { title: 'trust', of: ({ trust }) => trust },
    { title: 'source', of: ({ source }) => (source === undefined ? '' : `${source.kind} ${source.ref}`.trimEnd()) },
    { title: 'text', of: ({ text }) => text, kind: 'text' },
  ],
  ids: ({ passages }) => passages.flatMap(({ itemIds }) => itemIds),
}

const contextView = fieldsView<BuiltContext>(
  (built) => [
    { name: 'tokens', value: String(built.tokens) },
    { name: 'stable', value: String(built.stableTokens) },
    { name: 'least trust', value: built.minTrust },
    { name: 'left out', value: built.dropped.length === 0 ? undefined : String(built.dropped.length) },
    { name: 'text', value: built.text },
  ],
  ({ citations }) => citations.flatMap(({ itemId }) => itemId ?? []),
)

interface RetrieveFlags {
  readonly plan?: string
  readonly limit?: number
  readonly budgetTokens?: number
}

export async function retrievePassages({ session, flags, args }: Handling<RetrieveFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { plan, limit, budgetTokens } = flags
  const planId = plan === undefined ? undefined : await resolvePlan(plan, clients)
  const query = (args[0] as unknown as readonly string[]).join(' ')
  const body = { query, ...withoutUndefined({ planId, limit, budgetTokens }) }
  const answer = await clients.memory.items.retrieve({ body })
  await session.printer.result(answer, passagesView)
  if (!answer.answerable)
    session.printer.note(`nothing answers it: the best relevance is ${answer.bestRelevance.toFixed(2)}`)
}

interface ContextFlags {
  readonly plan?: string
  readonly agent?: string
  readonly budgetTokens?: number
}

export async function buildContext({ session, flags, args }: Handling<ContextFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { plan, agent, budgetTokens = 2000 } = flags
  const planId = plan === undefined ? undefined : await resolvePlan(plan, clients)
  const words = (args[0] as unknown as readonly string[]).join(' ')
  const named = withoutUndefined({ planId, agentId: agent, query: words === '' ? undefined : words })
  await session.printer.result(await clients.memory.context.build({ body: { budgetTokens, ...named } }), contextView)
}
