import type { StreamFrame } from '@soma/kernel'
import type { Plan } from '@soma/plans/contract'
import type { Clients } from '@soma/sdk/clients'
import { EXIT } from '../failure.ts'
import { followStream } from '../follow-stream.ts'
import { cleanLine } from '../output/clean-text.ts'
import { colourOf } from '../output/table.ts'
import type { Handling, Session } from '../session.ts'
import { onInterrupt } from '../on-interrupt.ts'
import { resolvePlan, taskLine } from './plans.ts'

const TOPICS = ['plan-events', 'task-events', 'system-events']
const ENDED: readonly string[] = ['completed', 'failed', 'cancelled']

/** An event of the log, as far as a watch reads it. */
export interface WatchedEvent {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly data?: unknown
}

/** Follows a plan from its first event to its end. Ctrl-C leaves the plan running. */
export async function watchPlan({ session, flags, args, program }: Handling<{ reconnect?: number }>): Promise<number> {
  const { clients } = await session.connect()
  const planId = await resolvePlan(args[0] as string, clients)
  const plan = await clients.plans.plans.get({ params: { planId } })
  if (ENDED.includes(plan.status)) return printHistory({ session, clients, plan })

  const detach = onInterrupt(() =>
    session.printer.note(
      `detached, the plan goes on; \`${program} plans watch ${planId}\` follows it again, \`${program} plans cancel ${planId} --reason …\` stops it`,
    ),
  )
  const events = followStream({
    open: (lastEventId) =>
      openEvents({ clients, plan, signal: detach.signal, ...(lastEventId === undefined ? {} : { lastEventId }) }),
    reconnectMs: flags.reconnect ?? 60_000,
    signal: detach.signal,
    note: session.printer.note,
  })
  for await (const frame of events) {
    const event = frame.data as WatchedEvent
    await printEvent(session, event)
    if (endsPlan(event, planId)) return finish({ session, clients, planId })
  }
  if (detach.signal.aborted) return EXIT.interrupted
  return finish({ session, clients, planId })
}

function openEvents(options: {
  clients: Clients
  plan: Plan
  signal: AbortSignal
  lastEventId?: string
}): Promise<AsyncIterable<StreamFrame>> {
  const { clients, plan, ...rest } = options
  const query = { topics: TOPICS.join(','), planId: plan.planId, from: plan.createdAt }
  return clients.events.events.stream({ query, ...rest })
}

/** An ended plan has no more events to wait for: what the log still has of it is printed. */
async function printHistory(options: { session: Session; clients: Clients; plan: Plan }): Promise<number> {
  const { session, clients, plan } = options
  const events: WatchedEvent[] = []
  let cursor: string | undefined
  do {
    const page = await clients.events.events.list({
      query: { planId: plan.planId, limit: 200, ...(cursor === undefined ? {} : { cursor }) },
    })
    events.push(...(page.items as readonly (WatchedEvent & { topic: string })[]).filter(isWatched))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  for (const event of events.reverse()) await printEvent(session, event)
  return finish({ session, clients, planId: plan.planId })
}

const isWatched = ({ topic }: { topic: string }): boolean => TOPICS.includes(topic)

async function finish(options: { session: Session; clients: Clients; planId: string }): Promise<number> {
  const { printer } = options.session
  const plan = await options.clients.plans.plans.get({ params: { planId: options.planId } })
  const why = plan.problem === undefined ? plan.stopReason : `${plan.problem.code}: ${plan.problem.detail}`
  printer.note(
    cleanLine(`${plan.planId} ${plan.status}${why === undefined ? '' : `: ${why}`}; ${taskLine(plan.counts)}`),
  )
  return plan.status === 'completed' ? EXIT.done : EXIT.failed
}

function endsPlan({ type, data }: WatchedEvent, planId: string): boolean {
  const [noun, verb] = type.split('.')
  return noun === 'plan' && ENDED.includes(verb as string) && (data as { planId?: string }).planId === planId
}

async function printEvent({ printer }: Session, event: WatchedEvent): Promise<void> {
  const time = printer.isTerminal ? new Date(event.time).toLocaleTimeString() : event.time
  const what = printer.isTerminal
    ? colourOf('status', event.type.split('.')[1] ?? '', printer.colours)(event.type)
    : event.type
  const separator = printer.isTerminal ? '  ' : '\t'
  const text = [time, what, ...detailsOf(event.data).map(cleanLine)].join(separator)
  await printer.item(event, { text, id: event.id })
}

/** What a person wants to know of a plan, task or gate fact, in the order in which it is asked. */
function detailsOf(data: unknown): string[] {
  const fact = data as Readonly<Record<string, unknown>>
  const { name, title, toState, message, reason, problem, agent, waiting, gateId, progress } = fact
  return [
    typeof name === 'string' ? name : title,
    toState,
    (agent as { name?: string } | undefined)?.name,
    typeof fact.try === 'number' && fact.try > 1 ? `try ${fact.try}` : undefined,
    typeof fact.delivery === 'number' && fact.delivery > 1 ? `delivery ${fact.delivery}` : undefined,
    (waiting as { reason?: string } | undefined)?.reason,
    typeof progress === 'number' && progress > 0 ? `${Math.round(progress * 100)} %` : undefined,
    message,
    (problem as { detail?: string } | undefined)?.detail ?? reason,
    gateId,
  ].filter((part): part is string => typeof part === 'string' && part !== '')
}
