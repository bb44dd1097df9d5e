import { toId } from '@soma/kernel'
import type { AgentRecord, Capability, InstanceRecord } from '../../contract/agents.ts'
import type { EventRef } from '../../contract/words.ts'
import { semverOrder } from '../semver-order.ts'
import type { AgentView, InstanceRow, RegistrationRow } from './store.ts'

export const toInstanceRecord = (row: InstanceRow): InstanceRecord => ({
  instanceId: row.instance_id,
  agentVersion: row.agent_version,
  ...(row.sdk === null ? {} : { sdk: row.sdk }),
  startedAt: row.started_at.toISOString(),
  lastSeenAt: row.last_seen_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  health: row.health,
  ...(row.health_detail === null ? {} : { healthDetail: row.health_detail }),
  ...(row.suspect_since === null ? {} : { suspectSince: row.suspect_since.toISOString() }),
  ...(row.load === null ? {} : { load: row.load }),
  ...(row.region === null ? {} : { region: row.region }),
  digest: row.digest,
})

/** An agent as its live instances make it; one that has ended shows its last registration. */
export function toAgentRecord(
  agent: AgentView,
  rows: { instances: readonly InstanceRow[]; registrations: readonly RegistrationRow[] },
): AgentRecord {
  const instances = rows.instances.filter((row) => row.agent_id === agent.id)
  const own = rows.registrations.filter((row) => row.agent_id === agent.id)
  const last = own.find((row) => row.digest === agent.digest) as RegistrationRow
  const live = own.filter((row) => instances.some((instance) => instance.digest === row.digest))
  const current =
    live.length === 0 ? [last] : live.includes(last) ? [last, ...live.filter((row) => row !== last)] : live
  const described = current[0] as RegistrationRow
  return {
    agentId: toId('reg', agent.id),
    name: agent.name,
    kind: described.kind,
    description: agent.description ?? described.description,
    ownerId: agent.owner_id,
    ...(described.persona_id === null ? {} : { personaId: described.persona_id }),
    tags: agent.tags ?? described.tags,
    capabilities: capabilitiesOf(current),
    consumes: unionOf(current.map((row) => row.consumes)),
    produces: unionOf(current.map((row) => row.produces)),
    versions: versionsOf(current),
    status: agent.status,
    instances: instances.map(toInstanceRecord),
    createdAt: agent.created_at.toISOString(),
    lastSeenAt: latest([agent.last_seen_at, ...instances.map((row) => row.last_seen_at)]).toISOString(),
    version: agent.version,
  }
}

/** Each capability once, as the first registration words it, with the versions that offer it. */
function capabilitiesOf(registrations: readonly RegistrationRow[]): (Capability & { versions: string[] })[] {
  const byName = new Map<string, Capability>()
  for (const capability of registrations.flatMap((row) => row.capabilities)) {
    if (!byName.has(capability.name)) byName.set(capability.name, capability)
  }
  return [...byName.values()].map((capability) => ({
    ...capability,
    versions: versionsOf(registrations.filter((row) => row.capabilities.some(({ name }) => name === capability.name))),
  }))
}

const versionsOf = (registrations: readonly RegistrationRow[]): string[] =>
  [...new Set(registrations.map((row) => row.agent_version))].sort((left, right) =>
    semverOrder(left) < semverOrder(right) ? 1 : -1,
  )

/** References without doubles, in the order of their first mention. */
export function unionOf(lists: readonly (readonly EventRef[])[]): EventRef[] {
  const seen = new Map<string, EventRef>()
  for (const reference of lists.flat()) {
    const key = `${reference.topic} ${reference.type} ${reference.range ?? ''}`
    if (!seen.has(key)) seen.set(key, reference)
  }
  return [...seen.values()]
}

const latest = (times: readonly Date[]): Date => times.reduce((left, right) => (left > right ? left : right))
