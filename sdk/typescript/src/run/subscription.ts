import { isProblem, withoutUndefined } from '@soma/kernel'
import type { Subscription } from '@soma/events/contract'
import type { AgentDefinition } from '../define/agent-definition.ts'
import type { AnyEvent } from '../define/event.ts'
import type { AgentClients } from './agent-clients.ts'
import { rangeOf } from './registration.ts'

/** Makes the group of an agent, or brings the one that is there to what its handlers listen to now. */
export async function ensureSubscription(clients: AgentClients, definition: AgentDefinition): Promise<Subscription> {
  const wanted = wantedSubscription(definition)
  const { subscriptions } = clients.events
  try {
    return await subscriptions.create({
      body: { name: definition.options.name, startAt: definition.options.startAt ?? 'latest', ...wanted } as never,
    })
  } catch (error) {
    if (!isProblem(error) || error.code !== 'conflict') throw error
  }
  const page = await subscriptions.list({ query: { name: definition.options.name } })
  const known = page.items.find(({ name }) => name === definition.options.name)
  if (known === undefined) throw new Error(`the group "${definition.options.name}" belongs to somebody else`)
  if (isAsWanted(known, wanted)) return known
  return subscriptions.update({ params: { subscriptionId: known.id }, ifMatch: known.version, body: wanted as never })
}

function wantedSubscription({ entries, options }: AgentDefinition) {
  const everything = entries.some(({ type }) => type === '*')
  return withoutUndefined({
    topics: [...new Set(entries.map(({ topic }) => topic))],
    types: everything ? ['*'] : [...new Set(entries.map(({ type }) => type))],
    versions: versionsOf(entries.flatMap(({ event }) => event ?? [])),
    leaseMs: options.leaseMs,
    maxAttempts: options.maxAttempts,
    backoff: options.backoff,
    onDeadLetter: options.onDeadLetter,
    memberGraceMs: options.memberGraceMs,
  })
}

/** What another major means is not known here: an event of it is not for this agent. */
function versionsOf(events: readonly AnyEvent[]): Record<string, string> {
  const rangesOf = (wanted: string) => events.filter(({ type }) => type === wanted).map(rangeOf)
  return Object.fromEntries(events.map(({ type }) => [type, [...new Set(rangesOf(type))].toSorted().join(' || ')]))
}

const isAsWanted = (known: Subscription, wanted: ReturnType<typeof wantedSubscription>): boolean =>
  Object.keys(known.versions).length === Object.keys(wanted.versions).length &&
  Object.entries(wanted).every(([name, value]) =>
    isContained(value, (known as unknown as Record<string, unknown>)[name]),
  )

function isContained(wanted: unknown, known: unknown): boolean {
  if (Array.isArray(wanted))
    return wanted.length === (known as unknown[]).length && wanted.every((item) => (known as unknown[]).includes(item))
  if (typeof wanted !== 'object' || wanted === null) return wanted === known
  return Object.entries(wanted).every(([name, value]) => isContained(value, (known as Record<string, unknown>)[name]))
}
