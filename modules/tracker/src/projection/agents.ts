import type { EventEnvelope } from '@soma/kernel'
import * as z from 'zod'
import { logTimeOf } from './facts.ts'

/** Which processes of an agent are live and what each of its versions takes. Names of what it takes: event types, and `capability:<name>`. */
export interface AgentDoc {
  readonly versions: Readonly<Record<string, readonly string[]>>
  /** Live instances with their versions. */
  readonly instances: Readonly<Record<string, string>>
  /** When a live process last took what none takes now. */
  readonly lastTaken: Readonly<Record<string, string>>
}

/** Versions of which no process is live, and names of what none takes now, that are kept at most: the newest. */
const KEPT_VERSIONS = 50
const KEPT_TAKEN = 500

export const UNKNOWN_AGENT: AgentDoc = { versions: {}, instances: {}, lastTaken: {} }

export const agentFact = z.object({
  agentId: z.string(),
  name: z.string().optional(),
  agentVersion: z.string().optional(),
  instanceId: z.string().optional(),
  capabilities: z.array(z.string()).optional(),
  consumes: z.array(z.object({ topic: z.string(), type: z.string() })).optional(),
  lastSeenAt: z.string().optional(),
})
export type AgentFact = z.output<typeof agentFact>

export const isAgentFact = (event: EventEnvelope): boolean =>
  event.topic === 'system-events' && event.source === '/modules/registry' && event.type.startsWith('agent.')

export const capabilityKey = (capability: string): string => `capability:${capability}`

/** What live processes take. */
export const takenBy = ({ versions, instances }: AgentDoc): string[] =>
  [...new Set(Object.values(instances).flatMap((version) => versions[version] ?? []))].sort()

export function applyAgentFact(known: AgentDoc, fact: AgentFact, event: EventEnvelope): AgentDoc {
  const next = { ...moved(known, fact, event.type), lastTaken: known.lastTaken }
  const now = new Set(takenBy(next))
  const at = fact.lastSeenAt ?? logTimeOf(event)
  const ended = takenBy(known).filter((taken) => !now.has(taken))
  return bounded({
    ...next,
    lastTaken: { ...next.lastTaken, ...Object.fromEntries(ended.map((taken) => [taken, at])) },
  })
}

/** An agent that is deployed for years under ever new versions keeps a row of one size. */
function bounded({ versions, instances, lastTaken }: AgentDoc): AgentDoc {
  const live = new Set(Object.values(instances))
  const idle = Object.keys(versions).filter((version) => !live.has(version))
  const dropped = new Set(
    idle.sort((one, other) => other.localeCompare(one, 'en', { numeric: true })).slice(KEPT_VERSIONS),
  )
  const taken = Object.entries(lastTaken).sort(([, one], [, other]) => (one < other ? 1 : -1))
  return {
    instances,
    versions: Object.fromEntries(Object.entries(versions).filter(([version]) => !dropped.has(version))),
    lastTaken: Object.fromEntries(taken.slice(0, KEPT_TAKEN)),
  }
}

function moved(
  { versions, instances }: AgentDoc,
  { agentVersion, instanceId, consumes, capabilities }: AgentFact,
  type: string,
): Pick<AgentDoc, 'versions' | 'instances'> {
  if (type === 'agent.expired' || type === 'agent.deregistered') return { versions, instances: {} }
  if (instanceId === undefined || agentVersion === undefined) return { versions, instances }
  if (type === 'agent.instance-stopped') {
    const { [instanceId]: _stopped, ...left } = instances
    return { versions, instances: left }
  }
  const takes = consumes && [
    ...consumes.filter(({ topic }) => topic === 'action-requests').map((reference) => reference.type),
    ...(capabilities ?? []).map(capabilityKey),
  ]
  return {
    versions: takes === undefined ? versions : { ...versions, [agentVersion]: takes },
    instances: { ...instances, [instanceId]: agentVersion },
  }
}
