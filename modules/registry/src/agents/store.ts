import type { SqlSession } from '@soma/kernel'
import type { Capability, InstanceRecord } from '../../contract/agents.ts'
import type { EventRef } from '../../contract/words.ts'

export interface AgentRow {
  readonly id: string
  readonly name: string
  readonly owner_id: string
  /** What a person said of it since; null: what it says itself. */
  readonly description: string | null
  readonly tags: string[] | null
  readonly digest: string
  readonly ended_at: Date | null
  readonly created_at: Date
  readonly last_seen_at: Date
  readonly version: number
}

export interface AgentView extends AgentRow {
  readonly status: 'live' | 'degraded' | 'draining' | 'suspect' | 'expired' | 'deregistered'
}

export interface RegistrationRow {
  readonly agent_id: string
  readonly digest: string
  readonly kind: 'tool' | 'worker' | 'planner' | 'agent'
  readonly agent_version: string
  readonly description: string
  readonly persona_id: string | null
  readonly tags: string[]
  readonly capabilities: Capability[]
  readonly consumes: EventRef[]
  readonly produces: EventRef[]
}

export interface InstanceRow {
  readonly agent_id: string
  readonly instance_id: string
  readonly digest: string
  readonly agent_version: string
  readonly principal_id: string
  readonly sdk: InstanceRecord['sdk'] | null
  readonly started_at: Date
  readonly last_seen_at: Date
  readonly expires_at: Date
  readonly lease_ms: number | null
  readonly health: InstanceRecord['health']
  readonly health_detail: string | null
  readonly load: InstanceRecord['load'] | null
  readonly region: string | null
  readonly suspect_since: Date | null
}

/** Makes the agent of a name if there is none, and locks it: registrations and sweeps of one agent wait for one another. */
export async function lockAgent(
  session: SqlSession,
  agent: { id: string; spaceId: string; name: string; ownerId: string; digest: string },
): Promise<{ row: AgentRow; isNew: boolean }> {
  const inserted = await session.query<AgentRow>(
    `insert into registry.agents (tenant_id, space_id, id, name, owner_id, digest)
     values (current_setting('soma.tenant_id'), $1, $2, $3, $4, $5)
     on conflict (tenant_id, space_id, name) do nothing returning *`,
    [agent.spaceId, agent.id, agent.name, agent.ownerId, agent.digest],
  )
  if (inserted[0] !== undefined) return { row: inserted[0], isNew: true }
  const [row] = await session.query<AgentRow>(
    `select * from registry.agents where space_id = $1 and name = $2 for update`,
    [agent.spaceId, agent.name],
  )
  return { row: row as AgentRow, isNew: false }
}

export const updateAgent = (session: SqlSession, id: string, digest: string) =>
  session.query<AgentRow>(
    `update registry.agents set digest = $2, description = case when digest = $2 then description end,
       tags = case when digest = $2 then tags end, ended_at = null, end_status = null, last_seen_at = now(),
       version = version + 1 where id = $1 returning *`,
    [id, digest],
  )

export const insertRegistration = (session: SqlSession, row: RegistrationRow) =>
  session.execute(
    `insert into registry.registrations
       (tenant_id, agent_id, digest, kind, agent_version, description, persona_id, tags, capabilities, consumes, produces)
     values (current_setting('soma.tenant_id'), $1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9::jsonb, $10::jsonb)
     on conflict (tenant_id, agent_id, digest) do nothing`,
    [
      row.agent_id,
      row.digest,
      row.kind,
      row.agent_version,
      row.description,
      row.persona_id,
      JSON.stringify(row.tags),
      JSON.stringify(row.capabilities),
      JSON.stringify(row.consumes),
      JSON.stringify(row.produces),
    ],
  )

export const selectInstance = (session: SqlSession, instanceId: string) =>
  session.query<InstanceRow>(`select * from registry.instances where instance_id = $1 for update`, [instanceId])

export const upsertInstance = (
  session: SqlSession,
  row: Pick<
    InstanceRow,
    | 'agent_id'
    | 'instance_id'
    | 'digest'
    | 'agent_version'
    | 'principal_id'
    | 'sdk'
    | 'health'
    | 'load'
    | 'region'
    | 'lease_ms'
  >,
  leaseMs: number,
) =>
  session.query<InstanceRow>(
    `insert into registry.instances
       (tenant_id, agent_id, instance_id, digest, agent_version, principal_id, sdk, health, load, region, lease_ms, expires_at)
     values (current_setting('soma.tenant_id'), $1, $2, $3, $4, $5, $6::jsonb, $7, $8::jsonb, $9, $10::int,
       now() + coalesce($10::int, $11) * interval '1 millisecond')
     on conflict (tenant_id, instance_id) do update set digest = excluded.digest, agent_version = excluded.agent_version,
       sdk = excluded.sdk, health = excluded.health, load = excluded.load, region = excluded.region,
       lease_ms = excluded.lease_ms, last_seen_at = now(), expires_at = excluded.expires_at, suspect_since = null
     returning *`,
    [
      row.agent_id,
      row.instance_id,
      row.digest,
      row.agent_version,
      row.principal_id,
      row.sdk === null ? null : JSON.stringify(row.sdk),
      row.health,
      row.load === null ? null : JSON.stringify(row.load),
      row.region,
      row.lease_ms,
      leaseMs,
    ],
  )

export interface Sign {
  readonly instanceId: string
  readonly health: string | null
  readonly healthDetail: string | null
  readonly load: unknown
  readonly stream: { readonly id: string; readonly state: 'open' | 'broken' } | null
}

/** SQL: what a sign (`sign.stream_id`, `sign.is_broken`) makes of the lease of instance `i`; `$2` = how long it is, in ms, where the instance asked for no other. */
export const LEASE_AFTER = `
  last_seen_at = case when sign.is_broken then i.last_seen_at else now() end,
  expires_at = case when sign.is_broken then i.expires_at else now() + coalesce(i.lease_ms, $2) * interval '1 millisecond' end,
  suspect_since = case when not sign.is_broken then null when i.stream_id = sign.stream_id then coalesce(i.suspect_since, now())
    else i.suspect_since end,
  stream_id = case when sign.is_broken then i.stream_id else coalesce(sign.stream_id, i.stream_id) end`

/** Signs of life, and streams that broke, in one statement: an instance is in it once. Answers the instances that are known, with the health they had before. */
export const touchInstances = (
  session: SqlSession,
  signs: readonly Sign[],
  by: { leaseMs: number; principalId: string | null },
) =>
  session.query<InstanceRow & { health_before: string; name: string }>(
    `update registry.instances i set ${LEASE_AFTER},
       health = coalesce(sign.health, i.health),
       health_detail = case when sign.health is null then i.health_detail else sign.health_detail end,
       load = coalesce(sign.load, i.load)
     from (
       select s."instanceId", s.health, s."healthDetail", s.load, s.stream ->> 'id', s.stream ->> 'state' is not distinct from 'broken',
         o.health, a.name
       from jsonb_to_recordset($1::jsonb) as s("instanceId" uuid, health text, "healthDetail" text, load jsonb, stream jsonb)
       cross join lateral (select health, agent_id from registry.instances where instance_id = s."instanceId" offset 0) o
       join registry.agents a on a.id = o.agent_id
     ) as sign(instance_id, health, health_detail, load, stream_id, is_broken, health_before, name)
     where i.instance_id = sign.instance_id and ($3::text is null or i.principal_id = $3)
     returning i.*, sign.health_before, sign.name`,
    [JSON.stringify(signs), by.leaseMs, by.principalId],
  )

export const deleteInstance = (session: SqlSession, instanceId: string) =>
  session.execute(`delete from registry.instances where instance_id = $1`, [instanceId])

/** Locks the agents that a principal runs. */
export const lockAgentsOf = (session: SqlSession, principalId: string) =>
  session.query<{ id: string; name: string }>(
    `select id, name from registry.agents where id in (select agent_id from registry.instances where principal_id = $1)
     order by id for update`,
    [principalId],
  )

export const deleteInstancesOf = (session: SqlSession, principalId: string) =>
  session.query<InstanceRow>(`delete from registry.instances where principal_id = $1 returning *`, [principalId])

/** Locks the agents of this tenant with instances whose lease is over. Its name is said because a sweep must not reach further under a role that no fence holds. */
export const lockExpiredAgents = (session: SqlSession) =>
  session.query<{ id: string; name: string }>(
    `select id, name from registry.agents where tenant_id = current_setting('soma.tenant_id')
       and id in (select agent_id from registry.instances where expires_at <= now())
     order by id for update`,
  )

export const deleteExpiredInstances = (session: SqlSession, agentIds: readonly string[]) =>
  session.query<InstanceRow>(
    `delete from registry.instances where expires_at <= now()
       and agent_id in (select id::uuid from jsonb_array_elements_text($1::jsonb) as wanted(id)) returning *`,
    [JSON.stringify(agentIds)],
  )

/** Ends the agents that have no instance left; answers those that had not ended before. */
export const endAgents = (session: SqlSession, ids: readonly string[], status: 'expired' | 'deregistered') =>
  session.query<AgentRow>(
    `update registry.agents a set ended_at = now(), end_status = $2, version = version + 1
     where a.id in (select id::uuid from jsonb_array_elements_text($1::jsonb) as wanted(id)) and a.ended_at is null
       and not exists (select from registry.instances i where i.agent_id = a.id) returning *`,
    [JSON.stringify(ids), status],
  )

/** How many leases each tenant has, and how many of them are over: all that the sweep may know before it acts as a tenant. */
export const countLeases = (session: SqlSession) =>
  session.query<{ tenant_id: string; total: number; expired: number }>(
    `select tenant_id, count(*)::int as total, (count(*) filter (where expires_at <= now()))::int as expired
     from registry.instances group by tenant_id`,
  )
