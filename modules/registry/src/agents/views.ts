import type { SqlSession } from '@soma/kernel'
import type { AgentView, InstanceRow, RegistrationRow } from './store.ts'

const LIVE = `registry.instances i where i.agent_id = a.id and i.expires_at > now()`
const SURE = `${LIVE} and i.suspect_since is null`
/** The best of the live instances decides, a suspect one last; the lease is checked on every read, so an expiry shows before any sweep. */
const STATUS = `case
  when exists (select from ${SURE} and i.health = 'healthy') then 'live'
  when exists (select from ${SURE} and i.health in ('degraded', 'unhealthy')) then 'degraded'
  when exists (select from ${SURE}) then 'draining'
  when exists (select from ${LIVE}) then 'suspect'
  else coalesce(a.end_status, 'expired') end`
const VIEW = `select a.*, ${STATUS} as status from registry.agents a`
/** Ended agents stay listable this long. */
const RECENT = `coalesce(a.ended_at, a.last_seen_at) > now() - interval '24 hours'`
/** Registrations that hold now: those of live instances; for an ended agent the last one. */
const CURRENT = `registry.registrations r where r.agent_id = v.id and (
  r.digest in (select i.digest from registry.instances i where i.agent_id = v.id and i.expires_at > now())
  or (r.digest = v.digest and v.status in ('expired', 'deregistered')))`

export interface AgentFilter {
  /** `<name>` or `<name>@<version>`. */
  readonly name: string | null
  readonly kind: string | null
  readonly status: string | null
  readonly capability: string | null
  readonly consumes: string | null
  readonly produces: string | null
  readonly tag: string | null
  readonly query: string | null
  readonly includeExpired: boolean
}

export const listAgents = (session: SqlSession, filter: AgentFilter, page: { before: string | null; limit: number }) =>
  session.query<AgentView>(
    `select v.* from (${VIEW} where ${RECENT} or exists (select from ${LIVE})) v
     where ($1 or v.status not in ('expired', 'deregistered'))
       and ($2::text is null or v.status = $2)
       and ($3::text is null or exists (select from ${CURRENT} and r.kind = $3))
       and ($4::text is null or exists (select from ${CURRENT}
         and r.capabilities @> jsonb_build_array(jsonb_build_object('name', $4::text))))
       and ($5::text is null or exists (select from ${CURRENT}
         and r.consumes @> jsonb_build_array(jsonb_build_object('type', $5::text))))
       and ($6::text is null or exists (select from ${CURRENT}
         and r.produces @> jsonb_build_array(jsonb_build_object('type', $6::text))))
       and ($7::text is null or exists (select from ${CURRENT} and coalesce(v.tags, r.tags) @> to_jsonb($7::text)))
       and ($8::text is null or exists (select from ${CURRENT}
         and strpos(lower(v.name || ' ' || coalesce(v.description, r.description)), lower($8)) > 0))
       and ($9::uuid is null or v.id < $9::uuid)
       and ($11::text is null or (v.name = split_part($11, '@', 1)
         and exists (select from ${CURRENT} and split_part($11, '@', 2) in ('', r.agent_version))))
     order by v.id desc limit $10`,
    [
      filter.includeExpired,
      filter.status,
      filter.kind,
      filter.capability,
      filter.consumes,
      filter.produces,
      filter.tag,
      filter.query,
      page.before,
      page.limit,
      filter.name,
    ],
  )

/** Every agent with a live instance, in any space that the caller sees. */
export const selectLiveAgents = (session: SqlSession) =>
  session.query<AgentView>(`${VIEW} where exists (select from ${LIVE}) order by a.id`)

/** The agents of a name, one a space; that of the caller's own space first. */
export const selectAgentsByName = (
  session: SqlSession,
  { name, spaceId, endedLong = false }: { name: string; spaceId: string; endedLong?: boolean },
) =>
  session.query<AgentView & { is_own: boolean }>(
    `select v.*, v.space_id = $2 as is_own from (${VIEW}) v
     where v.name = $1 and ($3 or v.status not in ('expired', 'deregistered') or coalesce(v.ended_at, v.last_seen_at) > now() - interval '24 hours')
     order by is_own desc, v.id limit 2`,
    [name, spaceId, endedLong],
  )

export const selectInstancesOf = (session: SqlSession, agentIds: readonly string[]) =>
  session.query<InstanceRow>(
    `select * from registry.instances where expires_at > now()
       and agent_id in (select id::uuid from jsonb_array_elements_text($1::jsonb) as wanted(id))
     order by started_at, instance_id`,
    [JSON.stringify(agentIds)],
  )

export const selectRegistrationsOf = (session: SqlSession, agentIds: readonly string[]) =>
  session.query<RegistrationRow>(
    `select r.* from registry.registrations r
     join registry.agents a on a.id = r.agent_id
     where r.agent_id in (select id::uuid from jsonb_array_elements_text($1::jsonb) as wanted(id))
       and (r.digest = a.digest or r.digest in (
         select i.digest from registry.instances i where i.agent_id = r.agent_id and i.expires_at > now()))`,
    [JSON.stringify(agentIds)],
  )
