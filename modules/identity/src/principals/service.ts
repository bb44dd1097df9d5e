import {
  commonProblems,
  type Context,
  decodeCursor,
  holds,
  type ModuleDatabase,
  newId,
  type Transaction,
  toPage,
} from '@soma/kernel'
import type * as z from 'zod'
import {
  type createPrincipal,
  type PrincipalRecord,
  principalCreated,
  principalDisabled,
  principalEnabled,
  principalUpdated,
} from '../../contract/index.ts'
import type { ProofCache } from '../authentication/proof-cache.ts'
import { recordChange } from '../record-change.ts'
import { addRevocation } from '../revoke.ts'
import { checkGrant } from '../roles/grants.ts'
import { keepAnAdmin } from '../roles/last-admin.ts'
import { bind, checkPlatformRole } from '../roles/service.ts'
import { findRole, rolesOf } from '../roles/store.ts'
import {
  findPrincipal,
  insertPrincipal,
  isAddressTaken,
  listPrincipals,
  lockPrincipal,
  type PrincipalRow,
  setPrincipalStatus,
  updatePrincipal,
} from './store.ts'

export interface PrincipalDependencies {
  readonly database: ModuleDatabase
  readonly proofs: ProofCache
}

export interface PrincipalChanges {
  readonly displayName?: string | undefined
  readonly email?: string | null | undefined
  readonly expiresAt?: string | null | undefined
}

/** Prefix of the ids that are made here. Guests have `usr_` ids, so that an upgrade keeps the id. */
export const PRINCIPAL_PREFIX = { user: 'usr', guest: 'usr', agent: 'agt', service: 'svc' } as const

const addressTaken = () => commonProblems.conflict.create('another principal of the tenant has this e-mail address')
const notFound = (id: string) => commonProblems.notFound.create(`no principal ${id}`)

export function createPrincipalService({ database, proofs }: PrincipalDependencies) {
  const setStatus = (
    context: Context,
    principalId: string,
    change: { status: 'active' | 'disabled'; reason: string },
  ) =>
    database.transaction(context, async (tx) => {
      const row = await lockPrincipal(tx, principalId)
      if (row === undefined) throw notFound(principalId)
      if (row.status === change.status) return view(tx, row)
      if (row.status === 'erased')
        throw commonProblems.conflict.create(
          `the principal ${principalId} is erased and cannot become ${change.status}`,
        )
      if (change.status === 'disabled') await keepAdminWhen(tx, principalId)
      await setPrincipalStatus(tx, principalId, change.status)
      if (change.status === 'disabled') await addRevocation(tx, 'principal', principalId)
      const after = (await findPrincipal(tx, principalId)) as PrincipalRow
      emitStatus(tx, context, after)
      recordChange(tx, context, {
        action: `principal.${change.status === 'active' ? 'enable' : 'disable'}`,
        resource: { type: 'principal', id: principalId },
        reason: change.reason,
        before: { status: row.status },
        after: { status: after.status },
      })
      return view(tx, after)
    })

  return {
    create: (
      context: Context,
      body: z.output<typeof createPrincipal>,
      makeId: (prefix: string) => string,
    ): Promise<PrincipalRecord> =>
      database.transaction(context, async (tx) => {
        const ownerId = await ownerOf(tx, context, body)
        const roles = await Promise.all(body.roles.map((roleId) => findRole(tx, roleId)))
        const principalId = makeId(PRINCIPAL_PREFIX[body.kind])
        for (const [index, role] of roles.entries()) {
          if (role === undefined) throw invalid(`/body/roles/${index}`, `no role ${body.roles[index]}`)
          checkGrant(context, role.capabilities, principalId)
          checkPlatformRole(context, role)
        }
        const { kind, displayName, spaceId, email, expiresAt } = body
        if (await insertPrincipal(tx, { id: principalId, kind, displayName, spaceId, email, ownerId, expiresAt })) {
          sayCreated(tx, context, { principalId, kind, displayName, email, ownerId })
          for (const role of roles)
            if (role !== undefined) await bind(tx, context, { role, principalId, bindingId: newId('bind') })
        }
        const row = await findPrincipal(tx, principalId)
        if (row === undefined) throw addressTaken()
        return view(tx, row)
      }),

    list: (
      context: Context,
      query: { limit: number; cursor?: string | undefined; kind?: string | undefined; status?: string | undefined },
    ) =>
      database.transaction(context, async (tx) => {
        const before = decodeCursor(query.cursor, ['time', 'text'])
        const rows = await listPrincipals(tx, { ...query, limit: query.limit + 1, before })
        const page = toPage(rows, query.limit, {
          item: (row) => row,
          key: (row) => [row.created_at.toISOString(), row.id],
        })
        return { ...page, items: await viewAll(tx, page.items) }
      }),

    get: (context: Context, principalId: string): Promise<PrincipalRecord> =>
      database.transaction(context, async (tx) => {
        const row = await findPrincipal(tx, principalId)
        if (row === undefined) throw notFound(principalId)
        return view(tx, row)
      }),

    update: async (
      context: Context,
      principalId: string,
      { changes, version }: { changes: PrincipalChanges; version: number },
    ): Promise<PrincipalRecord> => {
      const record = await database.transaction(context, async (tx) => {
        const row = await lockPrincipal(tx, principalId)
        if (row === undefined) throw notFound(principalId)
        if (row.version !== version) {
          throw commonProblems.versionConflict.create(
            `the principal ${principalId} has version ${row.version}, not ${version}`,
            { version: row.version },
          )
        }
        const after = withChanges(row, changes)
        if (after.email !== null && (await isAddressTaken(tx, after.email, principalId))) throw addressTaken()
        await updatePrincipal(tx, after)
        tx.emit(
          principalUpdated,
          { byId: context.principal.id, principalId, kind: row.kind, epoch: row.epoch, changed: Object.keys(changes) },
          { partitionKey: context.tenantId },
        )
        recordChange(tx, context, {
          action: 'principal.update',
          resource: { type: 'principal', id: principalId },
          before: summary(row),
          after: summary(after),
        })
        return view(tx, (await findPrincipal(tx, principalId)) as PrincipalRow)
      })
      proofs.evictPrincipal(context.tenantId, principalId)
      return record
    },

    disable: async (context: Context, principalId: string, reason: string): Promise<PrincipalRecord> => {
      const record = await setStatus(context, principalId, { status: 'disabled', reason })
      proofs.evictPrincipal(context.tenantId, principalId)
      return record
    },

    enable: async (context: Context, principalId: string, reason: string): Promise<PrincipalRecord> => {
      const record = await setStatus(context, principalId, { status: 'active', reason })
      proofs.evictPrincipal(context.tenantId, principalId)
      return record
    },

    /** Whether a principal holds a capability, and through which bindings. About others the caller needs `role:read`. */
    access: (context: Context, query: { principalId?: string | undefined; capability: string }) =>
      database.transaction(context, async (tx) => {
        const principalId = query.principalId ?? context.principal.id
        const isOwn = principalId === context.principal.id
        if (!isOwn && !holds(context.principal, 'role:read'))
          throw commonProblems.forbidden.create('access of others needs the capability "role:read"', {
            capability: 'role:read',
          })
        if (!isOwn && (await findPrincipal(tx, principalId)) === undefined) throw notFound(principalId)
        const through = ((await rolesOf(tx, [principalId])).get(principalId) ?? []).filter(({ role }) =>
          holds(role, query.capability),
        )
        const held = isOwn ? holds(context.principal, query.capability) : through.length > 0
        return {
          held,
          through: through.map(({ bindingId, role }) => ({ roleId: role.roleId, bindingId, scope: 'tenant' as const })),
          ...(held ? {} : { missing: query.capability }),
        }
      }),
  }
}

/** The facts of a new principal. */
export function sayCreated(
  tx: Transaction,
  by: Context,
  made: {
    principalId: string
    kind: PrincipalRecord['kind']
    displayName: string
    email?: string | undefined
    ownerId?: string | undefined
  },
): void {
  tx.emit(
    principalCreated,
    { byId: by.principal.id, principalId: made.principalId, kind: made.kind, epoch: 1, changed: [] },
    { partitionKey: by.tenantId },
  )
  const { principalId, ...after } = made
  recordChange(tx, by, { action: 'principal.create', resource: { type: 'principal', id: principalId }, after })
}

function emitStatus(tx: Transaction, context: Context, row: PrincipalRow): void {
  const definition = row.status === 'active' ? principalEnabled : principalDisabled
  tx.emit(
    definition,
    { byId: context.principal.id, principalId: row.id, kind: row.kind, epoch: row.epoch, changed: ['status'] },
    { partitionKey: context.tenantId },
  )
}

async function keepAdminWhen(tx: Transaction, principalId: string): Promise<void> {
  const held = (await rolesOf(tx, [principalId])).get(principalId) ?? []
  if (held.some(({ role }) => role.roleId === 'AgentAdmin')) await keepAnAdmin(tx, principalId)
}

/** Agents and services are answered for by a user of the tenant. */
async function ownerOf(
  tx: Transaction,
  context: Context,
  body: z.output<typeof createPrincipal>,
): Promise<string | undefined> {
  if (body.kind === 'user') return undefined
  const ownerId = body.ownerId ?? (context.principal.kind === 'user' ? context.principal.id : undefined)
  if (ownerId === undefined) throw invalid('/body/ownerId', `a ${body.kind} needs a user who answers for it`)
  const owner = await findPrincipal(tx, ownerId)
  if (owner?.kind !== 'user') throw invalid('/body/ownerId', `${ownerId} is no user of this tenant`)
  return ownerId
}

const withChanges = (row: PrincipalRow, { displayName, email, expiresAt }: PrincipalChanges): PrincipalRow => ({
  ...row,
  display_name: displayName ?? row.display_name,
  email: email === undefined ? row.email : email,
  expires_at: expiresAt === undefined ? row.expires_at : expiresAt === null ? null : new Date(expiresAt),
})

const summary = (row: PrincipalRow) => ({
  displayName: row.display_name,
  email: row.email,
  expiresAt: row.expires_at?.toISOString() ?? null,
})
const invalid = (pointer: string, detail: string) =>
  commonProblems.invalidRequest.create(detail, { errors: [{ pointer, code: 'unknown', detail }] })

const view = async (tx: Transaction, row: PrincipalRow): Promise<PrincipalRecord> =>
  (await viewAll(tx, [row]))[0] as PrincipalRecord

async function viewAll(tx: Transaction, rows: readonly PrincipalRow[]): Promise<PrincipalRecord[]> {
  const held = await rolesOf(
    tx,
    rows.map(({ id }) => id),
  )
  return rows.map((row) =>
    viewPrincipal(
      row,
      (held.get(row.id) ?? []).map(({ role }) => role.name),
    ),
  )
}

export const viewPrincipal = (row: PrincipalRow, roles: readonly string[]): PrincipalRecord => ({
  principalId: row.id,
  spaceId: row.space_id,
  kind: row.kind,
  status: row.status,
  displayName: row.display_name,
  email: row.email,
  ownerId: row.owner_id,
  roles: [...roles],
  epoch: row.epoch,
  expiresAt: row.expires_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  version: row.version,
})
