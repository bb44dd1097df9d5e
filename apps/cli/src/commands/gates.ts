import { withoutUndefined } from '@soma/kernel'
import type { Gate } from '@soma/governance/contract'
import type { Clients } from '@soma/sdk/clients'
import { fieldsView, pageView } from '../output/view.ts'
import { resolveId } from '../resolve-id.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'
import { gateText } from './gate-text.ts'

const listView = pageView<Gate>(
  [
    { title: 'gate', of: ({ gateId }) => gateId, kind: 'id' },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'kind', of: ({ kind }) => kind },
    { title: 'due', of: ({ dueAt }) => dueAt, kind: 'time' },
    { title: 'title', of: ({ title }) => title, kind: 'text' },
  ],
  ({ gateId }) => gateId,
)

export const gateView = fieldsView<Gate>(
  (gate) => [
    { name: 'gate', value: gate.gateId, kind: 'id' },
    { name: 'title', value: gate.title },
    { name: 'kind', value: gate.kind },
    { name: 'status', value: gate.status, kind: 'status' },
    { name: 'plan', value: gate.subject.planId },
    { name: 'asked by', value: gate.requesterId },
    { name: 'due', value: gate.dueAt },
    { name: 'decided', value: gate.decidedAt },
    { name: 'decided by', value: gate.decidedBy.length === 0 ? undefined : gate.decidedBy.join(', ') },
    { name: 'votes', value: gate.votes.map(({ principalId, decision }) => `${principalId} ${decision}`).join(', ') },
    { name: 'payload hash', value: gate.payloadHash },
  ],
  ({ gateId }) => [gateId],
)

/** Finds a gate by a tail of its id. */
export const resolveGate = (text: string, clients: Clients): Promise<string> =>
  resolveId(text, {
    prefix: 'gate',
    noun: 'gate',
    page: async (cursor) => {
      const { items, nextCursor } = await clients.governance.gates.list({
        query: { limit: 200, ...withoutUndefined({ cursor }) },
      })
      return { ids: items.map(({ gateId }) => gateId), nextCursor }
    },
  })

interface ListFlags extends PageFlags {
  readonly mine?: boolean
  readonly status?: Gate['status']
  readonly kind?: Gate['kind']
  readonly plan?: string
}

export async function listGates({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, status, kind, plan: planId } = flags
  const mine = flags.mine === true ? 'true' : undefined
  const page = await clients.governance.gates.list({
    query: withoutUndefined({ limit, cursor, status, kind, planId, mine }),
  })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function getGate({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const { printer } = session
  const gateId = await resolveGate(args[0] as string, clients)
  const gate = await clients.governance.gates.get({ params: { gateId } })
  if (printer.format === 'table' && printer.isTerminal) printer.raw(`${gateText(gate, printer.colours)}\n`)
  else await printer.result(gate, gateView)
}
