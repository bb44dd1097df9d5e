import { type Clock, type ModuleDatabase, NO_CONSTITUTION, newId } from '@soma/kernel'
import {
  DEFAULT_TENANT,
  expandCapabilities,
  PLATFORM_CAPABILITIES,
  type Presented,
  type Proven,
  ROLE_CAPABILITIES,
} from '../../contract/index.ts'
import { findSubject, type Subject } from '../principals/subject.ts'
import { sayCreated } from '../principals/service.ts'
import { insertPrincipal } from '../principals/store.ts'
import { bind } from '../roles/service.ts'
import { findRole } from '../roles/store.ts'
import { ensureTenant } from '../tenants/first-start.ts'
import { refused } from './refused.ts'

export const DEVELOPER = 'developer'
const MAXIMUM_ID_LENGTH = 128

export interface DeveloperAccessOptions {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly developerRole: string
}

export interface Named {
  readonly tenantId: string
  readonly userId: string
  readonly spaceId: string
}

/** Access without a credential, in developer modes alone. Nothing of this is reachable in strict mode. */
export function createDeveloperAccess({ database, clock, developerRole }: DeveloperAccessOptions) {
  const subjectOf = async ({ tenantId, userId }: Named): Promise<Subject | undefined> =>
    database.asWorker(database.moduleContext(tenantId), (tx) => findSubject(tx, userId, clock.now()))

  /** Unknown tenants and users are made; known ones are what they are, and a disabled one stays out. */
  const see = async (named: Named): Promise<Subject> => {
    const known = await subjectOf(named)
    if (known !== undefined) return known
    await ensureTenant(database, named.tenantId)
    const context = database.moduleContext(named.tenantId)
    await database.asWorker(context, async (tx) => {
      if (!(await insertPrincipal(tx, { id: named.userId, kind: 'user', displayName: named.userId }))) return
      sayCreated(tx, context, { principalId: named.userId, kind: 'user', displayName: named.userId })
      const role = await findRole(tx, developerRole)
      if (role !== undefined) await bind(tx, context, { role, principalId: named.userId, bindingId: newId('bind') })
    })
    const made = await subjectOf(named)
    if (made === undefined) throw refused('principal-inactive')
    return made
  }

  const proven = (named: Named, subject: Subject, capabilities: readonly string[]): Proven => ({
    tenantId: named.tenantId,
    spaceId: named.spaceId,
    principal: {
      id: named.userId,
      kind: subject.row.kind,
      roles: [...subject.roles],
      capabilities: [...new Set(capabilities)],
    },
    userId: named.userId,
    actors: [],
    method: 'developer',
    authenticatedAt: clock.now().toISOString(),
    region: database.moduleContext(named.tenantId).region,
    constitutionHash: NO_CONSTITUTION,
  })

  return {
    /** The user that headers name, with the roles it has. */
    named: async (named: Named): Promise<Proven> => {
      const subject = await see(named)
      return proven(named, subject, subject.capabilities)
    },
    /** The developer of this machine: the tenant's admin and the platform's operator. */
    permissive: async (): Promise<Proven> => {
      const named = { tenantId: DEFAULT_TENANT, userId: DEVELOPER, spaceId: '' }
      const subject = await see(named)
      return proven(named, subject, [
        ...subject.capabilities,
        ...ROLE_CAPABILITIES.AgentAdmin,
        ...expandCapabilities(PLATFORM_CAPABILITIES),
      ])
    },
  }
}

/** Whom the headers name; undefined when they name nobody. @throws unauthenticated for ids over 128 characters */
export function namedBy({ tenantHeader, userHeader, spaceHeader }: Presented): Named | undefined {
  if (tenantHeader === undefined && userHeader === undefined) return undefined
  const named = {
    tenantId: tenantHeader ?? DEFAULT_TENANT,
    userId: userHeader ?? DEVELOPER,
    spaceId: spaceHeader ?? '',
  }
  const isTooLong = Object.values(named).some((value) => value.length > MAXIMUM_ID_LENGTH)
  if (isTooLong || named.tenantId === '' || named.userId === '') throw refused('bad-header')
  return named
}
