import { commonProblems, type Context, newId, type Transaction } from '@soma/kernel'
import {
  type IssuedKey,
  type PrincipalRecord,
  ROLE_CAPABILITIES,
  type Tenant,
  tenantCreated,
} from '../../contract/index.ts'
import { issueKey } from '../keys/service.ts'
import { sayCreated, viewPrincipal } from '../principals/service.ts'
import { findPrincipal, insertPrincipal, type PrincipalRow } from '../principals/store.ts'
import { recordChange } from '../record-change.ts'
import { bind } from '../roles/service.ts'
import { builtInRole } from '../roles/store.ts'
import { findTenant, insertTenant, type TenantRow, viewTenant } from './store.ts'

export interface Founding {
  readonly tenantId: string
  readonly slug: string
  readonly displayName: string
  readonly region: string
  readonly admin: {
    readonly principalId: string
    readonly keyId: string
    readonly email: string
    readonly keyExpiresAt: Date
  }
}

/** A tenant with its first AgentAdmin and a key for it, in a transaction of that tenant. @throws conflict when the slug is taken */
export async function foundTenant(
  tx: Transaction,
  by: Context,
  founding: Founding,
): Promise<{ tenant: Tenant; admin: PrincipalRecord; key: IssuedKey }> {
  if (!(await insertTenant(tx, founding))) throw commonProblems.conflict.create(`the slug "${founding.slug}" is taken`)
  sayFounded(tx, by, founding)
  const { admin, key } = await addAdmin(tx, by, {
    ...founding.admin,
    role: 'AgentAdmin',
    displayName: 'First administrator',
  })
  return { tenant: viewTenant((await findTenant(tx, founding.tenantId)) as TenantRow), admin, key }
}

export function sayFounded(
  tx: Transaction,
  by: Context,
  { tenantId, slug, region }: Pick<Founding, 'tenantId' | 'slug' | 'region'>,
): void {
  tx.emit(tenantCreated, { byId: by.principal.id, tenantId, slug, region }, { partitionKey: tenantId })
  recordChange(tx, by, { action: 'tenant.create', resource: { type: 'tenant', id: tenantId }, after: { slug, region } })
}

export interface FirstAdmin {
  readonly principalId: string
  readonly keyId: string
  readonly email: string
  readonly keyExpiresAt: Date
  readonly role: 'AgentAdmin' | 'PlatformAdmin'
  readonly displayName: string
}

/** A user with one role and one key that carries all of it. */
export async function addAdmin(
  tx: Transaction,
  by: Context,
  first: FirstAdmin,
): Promise<{ admin: PrincipalRecord; key: IssuedKey }> {
  const { principalId, keyId, email, role, displayName } = first
  if (!(await insertPrincipal(tx, { id: principalId, kind: 'user', displayName, email })))
    throw commonProblems.conflict.create(`the principal ${principalId} exists already`)
  sayCreated(tx, by, { principalId, kind: 'user', displayName, email })
  await bind(tx, by, { role: builtInRole(role), principalId, bindingId: newId('bind') })
  const key = await issueKey(tx, by, {
    keyId,
    principalId,
    name: 'first key',
    scopes: ROLE_CAPABILITIES[role],
    expiresAt: first.keyExpiresAt,
  })
  return { admin: viewPrincipal((await findPrincipal(tx, principalId)) as PrincipalRow, [role]), key }
}
