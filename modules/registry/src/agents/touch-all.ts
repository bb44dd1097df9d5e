import type { SqlSession } from '@soma/kernel'
import { LEASE_AFTER, type Sign } from './store.ts'

export interface WantedTouch extends Sign {
  readonly tenantId: string
  readonly spaceId: string
  /** Whose instances alone; null: anybody's of the tenant. */
  readonly principalId: string | null
}

export interface TouchedRow {
  /** In the list of what was wanted. */
  readonly index: number
  readonly name: string
  readonly digest: string
  /** It changes what the instance says of its health, so it was not written. */
  readonly changes_health: boolean
  readonly expires_at: Date | null
}

/**
 * Signs of life of any tenants, an instance once, locked in one order so that two nodes never wait for each other. Answers those whose instance is known. Each is looked up by its own
 * key: joined freely, a planner without statistics walks all instances of an agent for each of them, 2.3 s for 500 signs of 10,000 instances instead of 43 ms.
 */
export const touchAll = (session: SqlSession, wanted: readonly WantedTouch[], leaseMs: number) =>
  session.query<TouchedRow>(
    `with known as materialized (
       select w.index, i.tenant_id, i.instance_id, i.digest, a.name, w.load, w.stream ->> 'id' as stream_id,
         w.stream ->> 'state' is not distinct from 'broken' as is_broken,
         w.health is not null and (w.health <> i.health or w."healthDetail" is distinct from i.health_detail) as changes_health
       from jsonb_to_recordset($1::jsonb) as w(index int, "tenantId" text, "spaceId" text, "principalId" text, "instanceId" uuid,
         health text, "healthDetail" text, load jsonb, stream jsonb)
       cross join lateral (
         select tenant_id, agent_id, instance_id, principal_id, digest, health, health_detail from registry.instances
         where tenant_id = w."tenantId" and instance_id = w."instanceId" for no key update) i
       cross join lateral (
         select space_id, name from registry.agents where tenant_id = i.tenant_id and id = i.agent_id offset 0) a
       where (w."principalId" is null or i.principal_id = w."principalId") and w."spaceId" in ('', a.space_id)),
     touched as (
       update registry.instances i set ${LEASE_AFTER}, load = coalesce(sign.load, i.load)
       from known sign
       where i.tenant_id = sign.tenant_id and i.instance_id = sign.instance_id and not sign.changes_health
       returning sign.index, sign.name, sign.digest, sign.changes_health, i.expires_at)
     select * from touched
     union all select index, name, digest, changes_health, null from known where changes_health`,
    [JSON.stringify(wanted.map((sign, index) => ({ ...sign, index })).toSorted(byKey)), leaseMs],
  )

const byKey = (left: WantedTouch, right: WantedTouch): number => (keyOf(left) < keyOf(right) ? -1 : 1)
const keyOf = ({ tenantId, instanceId }: WantedTouch): string => `${tenantId} ${instanceId}`
