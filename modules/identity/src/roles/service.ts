import {
  commonProblems,
  type Context,
  decodeCursor,
  type ModuleDatabase,
  type Transaction,
  toId,
  toPage,
  toUuid,
} from '@soma/kernel'
import type * as z from 'zod'
import {
  BUILT_IN_ROLES,
  type createRole,
  type createRoleBinding,
  isBuiltInRole,
  type Role,
  type RoleBinding,
  roleBindingCreated,
  roleBindingDeleted,
  roleCreated,
  roleDeleted,
} from '../../contract/index.ts'
import type { ProofCache } from '../authentication/proof-cache.ts'
import { findPrincipal, raiseEpoch } from '../principals/store.ts'
import { recordChange } from '../record-change.ts'
import { addRevocation } from '../revoke.ts'
import { checkGrant } from './grants.ts'
import { keepAnAdmin } from './last-admin.ts'
import {
  type BindingRow,
  builtInRole,
  deleteBinding,
  deleteBindingsOf,
  deleteRole,
  findBinding,
  findBindingOf,
  findRole,
  insertBinding,
  insertRole,
  listBindings,
  listOwnRoles,
  roleIdOf,
} from './store.ts'

export interface RoleDependencies {
  readonly database: ModuleDatabase
  readonly proofs: ProofCache
}

const notFound = (what: string, id: string) => commonProblems.notFound.create(`no ${what} ${id}`)

/** Roles of a tenant: built-in ones are the same everywhere and never change. */
export function createRoleService({ database, proofs }: RoleDependencies) {
  return {
    create: (context: Context, body: z.output<typeof createRole>, roleId: string): Promise<Role> =>
      database.transaction(context, async (tx) => {
        checkGrant(context, body.capabilities)
        if (isBuiltInRole(body.name)) throw commonProblems.conflict.create(`the role ${body.name} is built in`)
        const isNew = await insertRole(tx, { roleId, ...body })
        const role = await findRole(tx, roleId)
        if (role === undefined) throw commonProblems.conflict.create(`a role ${body.name} exists already`)
        if (isNew) {
          tx.emit(
            roleCreated,
            { byId: context.principal.id, roleId, capabilitiesAdded: role.capabilities, capabilitiesRemoved: [] },
            { partitionKey: context.tenantId },
          )
          recordChange(tx, context, { action: 'role.create', resource: { type: 'role', id: roleId }, after: body })
        }
        return role
      }),

    list: (context: Context) =>
      database.transaction(context, async (tx) => ({
        items: [...BUILT_IN_ROLES.map(builtInRole), ...(await listOwnRoles(tx))],
        nextCursor: null,
      })),

    get: (context: Context, roleId: string): Promise<Role> =>
      database.transaction(context, async (tx) => {
        const role = await findRole(tx, roleId)
        if (role === undefined) throw notFound('role', roleId)
        return role
      }),

    delete: async (context: Context, roleId: string, version: number): Promise<undefined> => {
      const holders = await database.transaction(context, async (tx) => {
        const role = await findRole(tx, roleId)
        if (role === undefined) throw notFound('role', roleId)
        if (role.builtIn) throw commonProblems.conflict.create(`the role ${roleId} is built in`)
        if ((await deleteRole(tx, roleId, version)) === 0) {
          throw commonProblems.versionConflict.create(
            `the role ${roleId} has version ${role.version}, not ${version}`,
            { version: role.version },
          )
        }
        const lost = await deleteBindingsOf(tx, roleId)
        for (const principalId of lost) await raiseEpoch(tx, principalId)
        tx.emit(
          roleDeleted,
          { byId: context.principal.id, roleId, capabilitiesAdded: [], capabilitiesRemoved: role.capabilities },
          { partitionKey: context.tenantId },
        )
        recordChange(tx, context, {
          action: 'role.delete',
          resource: { type: 'role', id: roleId },
          before: { name: role.name, capabilities: role.capabilities },
        })
        return lost
      })
      for (const principalId of holders) proofs.evictPrincipal(context.tenantId, principalId)
    },
  }
}

/** Who holds which role. Each change raises the principal's epoch, so tokens from before are refused. */
export function createRoleBindingService({ database, proofs }: RoleDependencies) {
  return {
    create: async (
      context: Context,
      body: z.output<typeof createRoleBinding>,
      bindingId: string,
    ): Promise<RoleBinding> => {
      const binding = await database.transaction(context, async (tx) => {
        const role = await findRole(tx, body.roleId)
        if (role === undefined) throw missingField('/body/roleId', `no role ${body.roleId}`)
        if ((await findPrincipal(tx, body.principalId)) === undefined)
          throw missingField('/body/principalId', `no principal ${body.principalId}`)
        checkGrant(context, role.capabilities, body.principalId)
        checkPlatformRole(context, role)
        const row = await bind(tx, context, {
          role,
          principalId: body.principalId,
          bindingId,
          expiresAt: body.expiresAt,
        })
        return viewBinding(row, role.name)
      })
      proofs.evictPrincipal(context.tenantId, body.principalId)
      return binding
    },

    list: (context: Context, query: { limit: number; cursor?: string | undefined; principalId?: string | undefined }) =>
      database.transaction(context, async (tx) => {
        const before = decodeCursor(query.cursor, ['time', 'uuid'])
        const rows = await listBindings(tx, { limit: query.limit + 1, principalId: query.principalId, before })
        const names = new Map((await listOwnRoles(tx)).map(({ roleId, name }) => [roleId, name]))
        return toPage(rows, query.limit, {
          item: (row) => viewBinding(row, names.get(roleIdOf(row.role_ref)) ?? row.role_ref),
          key: (row) => [row.created_at.toISOString(), row.id],
        })
      }),

    delete: async (context: Context, bindingId: string): Promise<undefined> => {
      const principalId = await database.transaction(context, async (tx) => {
        const id = toUuid('bind', bindingId)
        const row = id === undefined ? undefined : await findBinding(tx, id)
        if (row === undefined) throw notFound('role binding', bindingId)
        const roleId = roleIdOf(row.role_ref)
        if (roleId === 'AgentAdmin') await keepAnAdmin(tx, row.principal_id)
        const role = await findRole(tx, roleId)
        await deleteBinding(tx, row.id)
        await raiseEpoch(tx, row.principal_id)
        await addRevocation(tx, 'binding', bindingId)
        tx.emit(
          roleBindingDeleted,
          {
            byId: context.principal.id,
            principalId: row.principal_id,
            roleId,
            bindingId,
            scope: 'tenant',
            capabilitiesAdded: [],
            capabilitiesRemoved: role?.capabilities ?? [],
          },
          { partitionKey: context.tenantId },
        )
        recordChange(tx, context, {
          action: 'role-binding.delete',
          resource: { type: 'principal', id: row.principal_id },
          before: { role: roleId },
        })
        return row.principal_id
      })
      proofs.evictPrincipal(context.tenantId, principalId)
    },
  }
}

/** Gives a role and says so. Giving it twice is giving it once. */
export async function bind(
  tx: Transaction,
  by: Context,
  binding: { role: Role; principalId: string; bindingId: string; expiresAt?: string | undefined },
): Promise<BindingRow> {
  const { role, principalId, bindingId, expiresAt } = binding
  const id = toUuid('bind', bindingId) as string
  if (await insertBinding(tx, { id, principalId, roleId: role.roleId, expiresAt })) {
    await raiseEpoch(tx, principalId)
    tx.emit(
      roleBindingCreated,
      {
        byId: by.principal.id,
        principalId,
        roleId: role.roleId,
        bindingId,
        scope: 'tenant',
        capabilitiesAdded: role.capabilities,
        capabilitiesRemoved: [],
      },
      { partitionKey: by.tenantId },
    )
    recordChange(tx, by, {
      action: 'role-binding.create',
      resource: { type: 'principal', id: principalId },
      after: { role: role.roleId },
    })
  }
  return (await findBindingOf(tx, principalId, role.roleId)) as BindingRow
}

/** PlatformAdmin exists in the tenant `platform` alone. @throws forbidden */
export function checkPlatformRole(context: Context, role: Role): void {
  if (role.roleId === 'PlatformAdmin' && context.tenantId !== 'platform') {
    throw commonProblems.forbidden.create('the role PlatformAdmin exists in the tenant platform alone')
  }
}

const missingField = (pointer: string, detail: string) =>
  commonProblems.invalidRequest.create(detail, { errors: [{ pointer, code: 'unknown', detail }] })

const viewBinding = (row: BindingRow, roleName: string): RoleBinding => ({
  bindingId: toId('bind', row.id),
  principalId: row.principal_id,
  roleId: roleIdOf(row.role_ref),
  roleName,
  scope: 'tenant',
  expiresAt: row.expires_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})
