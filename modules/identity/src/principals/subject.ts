import type { SqlSession } from '@soma/kernel'
import { capabilitiesOf } from '../roles/grants.ts'
import { rolesOf } from '../roles/store.ts'
import { findPrincipal, type PrincipalRow } from './store.ts'

/** A principal with what it holds now. */
export interface Subject {
  readonly row: PrincipalRow
  readonly roles: readonly string[]
  readonly capabilities: readonly string[]
}

/** Undefined when there is no such principal, it is not active, it has expired, or its tenant is not active. */
export async function findSubject(tx: SqlSession, principalId: string, now: Date): Promise<Subject | undefined> {
  const row = await findPrincipal(tx, principalId)
  if (row === undefined || row.status !== 'active' || (row.expires_at !== null && row.expires_at <= now))
    return undefined
  const active = await tx.query(
    `select 1 as one from identity.tenants where tenant_id = current_setting('soma.tenant_id') and status = 'active'`,
  )
  if (active.length === 0) return undefined
  const held = (await rolesOf(tx, [principalId])).get(principalId) ?? []
  const roles = held.map(({ role }) => role)
  return { row, roles: roles.map(({ name }) => name), capabilities: capabilitiesOf(roles) }
}
