import { type Clock, commonProblems, type Context, type ModuleDatabase, newId, type Transaction } from '@soma/kernel'
import type * as z from 'zod'
import { type dialectPrincipalOperations, isBuiltInRole, type Role, type SigningDialect } from '../../contract/index.ts'
import { createCapabilityLookup } from '../authentication/capability-lookup.ts'
import type { IdentityPorts } from '../ports.ts'
import { sayCreated } from '../principals/service.ts'
import { insertPrincipal } from '../principals/store.ts'
import { bind } from '../roles/service.ts'
import { builtInRole, insertRole, listOwnRoles } from '../roles/store.ts'
import { ensureTenant } from '../tenants/first-start.ts'
import { findTenant } from '../tenants/store.ts'
import type { Keyring } from '../tokens/keyring.ts'

export interface DialectDependencies {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly signers: IdentityPorts['dialectSigners']
  readonly keyrings: Readonly<Record<SigningDialect, Keyring>>
}

type Named = z.output<(typeof dialectPrincipalOperations)['ensure']['body']>

/** `typ` of a foreign token: what clients of other systems expect of any JWT. */
const TYPE = 'JWT'

/** What an edge needs of identity to speak its dialect: tokens in its form, and the principals that its trusted issuers name. */
export function createDialectService({ database, clock, signers, keyrings }: DialectDependencies) {
  const lookUp = createCapabilityLookup({ database, clock })
  return {
    sign: async (dialect: SigningDialect, claims: Readonly<Record<string, unknown>>) => {
      await keyrings[dialect].ensure()
      return { token: await signers[dialect].sign(claims, await keyrings[dialect].signer(), TYPE) }
    },
    keys: async (dialect: SigningDialect) => {
      await keyrings[dialect].ensure()
      return { keys: [...(await keyrings[dialect].publicKeys())] }
    },
    /** @throws not-found for a tenant that does not exist and is not to be made, and for a principal that is disabled */
    ensurePrincipal: async ({ tenantId }: Context, named: Named) => {
      if (named.makesTenant) await ensureTenant(database, tenantId)
      const context = database.moduleContext(tenantId)
      await database.asWorker(context, (tx) => makePrincipal(tx, context, named))
      return lookUp(context, named.principalId)
    },
  }
}

async function makePrincipal(tx: Transaction, context: Context, named: Named): Promise<void> {
  if ((await findTenant(tx, context.tenantId)) === undefined)
    throw commonProblems.notFound.create(`no tenant ${context.tenantId}`)
  const { principalId, kind, displayName } = named
  // Nobody of this installation answers for an agent that another issuer vouches for: it answers for itself.
  const ownerId = kind === 'user' ? undefined : principalId
  if (!(await insertPrincipal(tx, { id: principalId, kind, displayName, ownerId }))) return
  sayCreated(tx, context, { principalId, kind, displayName })
  await bind(tx, context, { role: await roleOf(tx, named.role), principalId, bindingId: newId('bind') })
}

async function roleOf(tx: Transaction, wanted: Named['role']): Promise<Role> {
  if (isBuiltInRole(wanted.name)) return builtInRole(wanted.name)
  await insertRole(tx, { roleId: newId('rol'), ...wanted })
  return (await listOwnRoles(tx)).find(({ name }) => name === wanted.name) as Role
}
