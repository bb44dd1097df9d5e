import { commonProblems, type EventEnvelope, newUuid } from '@soma/kernel'
import type { EventInput } from '@soma/events/contract'
import type { AgentRecord } from '@soma/registry/contract'
import type { Clients } from '@soma/sdk/clients'
import { EXIT, UsageError } from '../failure.ts'
import { followStream } from '../follow-stream.ts'
import { fieldsView } from '../output/view.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'

const DEFAULT_TIMEOUT_MS = 60_000

const replyView = fieldsView<EventEnvelope>(
  ({ type, outcome, data }) => [
    { name: 'answer', value: type },
    { name: 'outcome', value: outcome ?? 'ok', kind: 'status' },
    { name: 'data', value: JSON.stringify(data) },
  ],
  ({ id }) => [id],
)

/** Asks an agent and prints the event that answers; 1 when it says that it failed. */
export async function callAgent({ session, flags, args }: Handling<{ data?: string; timeout?: number }>) {
  const [name, type] = args as [string, string | undefined]
  const data = flags.data === undefined ? {} : await readValue(flags.data)
  const { clients } = await session.connect()
  const request = await requestOf(clients, await clients.registry.agents.get({ params: { name } }), type)
  const body = { ...request, correlationId: newUuid(), data: data as EventInput['data'] }
  const { recordedAt } = await clients.events.events.publish({ body })
  const timeoutMs = flags.timeout ?? DEFAULT_TIMEOUT_MS
  const signal = AbortSignal.timeout(timeoutMs)
  const { responseTopic: topics, responseType: types, correlationId } = body
  const query = { topics, types, correlationId, from: recordedAt }
  const frames = followStream({
    open: (lastEventId) =>
      clients.events.events.stream({ query, signal, ...(lastEventId === undefined ? {} : { lastEventId }) }),
    reconnectMs: timeoutMs,
    signal,
    note: session.printer.note,
  })
  for await (const frame of frames) {
    const reply = frame.data as EventEnvelope
    await session.printer.result(reply, replyView)
    return reply.outcome === 'failed' ? EXIT.failed : EXIT.done
  }
  throw commonProblems.unavailable.create(`${name} did not answer ${body.type} in ${timeoutMs} ms`, { correlationId })
}

/** @throws UsageError naming what the agent can be asked */
async function requestOf(clients: Clients, agent: AgentRecord, type: string | undefined) {
  const definitions = await Promise.all(
    agent.consumes.map(({ topic, type: consumed }) =>
      clients.registry.events.get({ params: { topic, type: consumed } }),
    ),
  )
  const requests = definitions.filter(({ kind, responseType }) => kind === 'request' && responseType !== undefined)
  const fitting = requests.filter((request) => type === undefined || request.type === type)
  const [only, ...others] = fitting
  if (only !== undefined && others.length === 0) {
    const { topic, responseType = '', responseTopic = 'action-results' } = only
    return { type: only.type, topic, responseType, responseTopic }
  }
  const can = requests.map((request) => request.type).join(', ')
  throw new UsageError(can === '' ? `${agent.name} answers no request` : `say what ${agent.name} is asked: ${can}`)
}
