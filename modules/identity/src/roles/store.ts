import { type SqlSession, toId, toUuid, uuidOf } from '@soma/kernel'
import { isBuiltInRole, ROLE_CAPABILITIES, type Role } from '../../contract/index.ts'

export interface BindingRow {
  readonly id: string
  readonly principal_id: string
  readonly role_ref: string
  readonly expires_at: Date | null
  readonly created_at: Date
}

interface RoleRow {
  readonly id: string
  readonly name: string
  readonly capabilities: string[]
  readonly version: number
}

const BINDING = 'id, principal_id, role_ref, expires_at, created_at'
const TENANT = `current_setting('soma.tenant_id')`
const LIVE = '(b.expires_at is null or b.expires_at > clock_timestamp())'

/** How a binding names a role: built-in ones by name, others by their uuid. */
const refOf = (roleId: string): string => (isBuiltInRole(roleId) ? roleId : uuidOf('rol', roleId))
/** The role id of a binding. */
export const roleIdOf = (ref: string): string => (isBuiltInRole(ref) ? ref : toId('rol', ref))

const viewRole = (row: RoleRow): Role => ({
  roleId: toId('rol', row.id),
  name: row.name,
  capabilities: row.capabilities,
  builtIn: false,
  version: row.version,
})

export const builtInRole = (name: keyof typeof ROLE_CAPABILITIES): Role => ({
  roleId: name,
  name,
  capabilities: [...ROLE_CAPABILITIES[name]],
  builtIn: true,
  version: 1,
})

export async function findRole(tx: SqlSession, roleId: string): Promise<Role | undefined> {
  if (isBuiltInRole(roleId)) return builtInRole(roleId)
  const uuid = toUuid('rol', roleId)
  if (uuid === undefined) return undefined
  const [row] = await tx.query<RoleRow>(
    'select id, name, capabilities, version from identity.roles where id = $1::uuid',
    [uuid],
  )
  return row === undefined ? undefined : viewRole(row)
}

export const listOwnRoles = async (tx: SqlSession): Promise<Role[]> =>
  (await tx.query<RoleRow>('select id, name, capabilities, version from identity.roles order by name limit 500')).map(
    viewRole,
  )

/** False when the id or name is taken. */
export async function insertRole(
  tx: SqlSession,
  role: { roleId: string; name: string; capabilities: readonly string[] },
): Promise<boolean> {
  const changed = await tx.execute(
    `insert into identity.roles (tenant_id, id, name, capabilities) values (${TENANT}, $1::uuid, $2, $3::jsonb) on conflict do nothing`,
    [uuidOf('rol', role.roleId), role.name, JSON.stringify(role.capabilities)],
  )
  return changed === 1
}

export const deleteRole = (tx: SqlSession, roleId: string, version: number): Promise<number> =>
  tx.execute('delete from identity.roles where id = $1::uuid and version = $2', [uuidOf('rol', roleId), version])

/** Ends all bindings of a role; answers who had it. */
export const deleteBindingsOf = async (tx: SqlSession, roleId: string): Promise<string[]> =>
  (
    await tx.query<{ principal_id: string }>(
      'delete from identity.bindings where role_ref = $1 returning principal_id',
      [refOf(roleId)],
    )
  ).map((row) => row.principal_id)

/** False when the principal has the role already, or the id is taken. */
export async function insertBinding(
  tx: SqlSession,
  binding: { id: string; principalId: string; roleId: string; expiresAt?: string | undefined },
): Promise<boolean> {
  const changed = await tx.execute(
    `insert into identity.bindings (tenant_id, id, principal_id, role_ref, expires_at) values (${TENANT}, $1::uuid, $2, $3, $4::timestamptz) on conflict do nothing`,
    [binding.id, binding.principalId, refOf(binding.roleId), binding.expiresAt ?? null],
  )
  return changed === 1
}

export async function findBinding(tx: SqlSession, id: string): Promise<BindingRow | undefined> {
  return (await tx.query<BindingRow>(`select ${BINDING} from identity.bindings where id = $1::uuid`, [id]))[0]
}

export async function findBindingOf(
  tx: SqlSession,
  principalId: string,
  roleId: string,
): Promise<BindingRow | undefined> {
  return (
    await tx.query<BindingRow>(`select ${BINDING} from identity.bindings where principal_id = $1 and role_ref = $2`, [
      principalId,
      refOf(roleId),
    ])
  )[0]
}

export const deleteBinding = (tx: SqlSession, id: string): Promise<number> =>
  tx.execute('delete from identity.bindings where id = $1::uuid', [id])

export interface BindingFilter {
  readonly limit: number
  readonly principalId?: string | undefined
  readonly before?: readonly [string, string] | undefined
}

export const listBindings = (tx: SqlSession, { limit, principalId, before }: BindingFilter): Promise<BindingRow[]> =>
  tx.query<BindingRow>(
    `select ${BINDING} from identity.bindings
     where ($1::text is null or principal_id = $1) and ($2::timestamptz is null or (created_at, id) < ($2::timestamptz, $3::uuid))
     order by created_at desc, id desc limit $4`,
    [principalId ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
  )

export interface HeldRole {
  readonly bindingId: string
  readonly role: Role
}

interface HeldRow {
  readonly id: string
  readonly principal_id: string
  readonly role_ref: string
  readonly name: string | null
  readonly capabilities: string[] | null
  readonly version: number | null
}

/** The roles that principals hold now, by principal. */
export async function rolesOf(tx: SqlSession, principalIds: readonly string[]): Promise<Map<string, HeldRole[]>> {
  const rows = await tx.query<HeldRow>(
    `select b.id, b.principal_id, b.role_ref, r.name, r.capabilities, r.version from identity.bindings b
     left join identity.roles r on r.tenant_id = b.tenant_id and r.id::text = b.role_ref
     where b.principal_id in (select jsonb_array_elements_text($1::jsonb)) and ${LIVE} order by b.created_at, b.id`,
    [JSON.stringify(principalIds)],
  )
  const held = new Map<string, HeldRole[]>()
  for (const row of rows) {
    const role = heldRole(row)
    if (role !== undefined)
      held.set(row.principal_id, [...(held.get(row.principal_id) ?? []), { bindingId: toId('bind', row.id), role }])
  }
  return held
}

/** Undefined for a role that is gone or unknown: it gives nothing. */
function heldRole({ role_ref: ref, name, capabilities, version }: HeldRow): Role | undefined {
  if (isBuiltInRole(ref)) return builtInRole(ref)
  if (name === null) return undefined
  return viewRole({ id: ref, name, capabilities: capabilities ?? [], version: version ?? 1 })
}

/** Active AgentAdmins of the tenant beside one. */
export async function countOtherAdmins(tx: SqlSession, principalId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*)::int4 as count from identity.bindings b join identity.principals p on p.tenant_id = b.tenant_id and p.id = b.principal_id
     where b.role_ref = 'AgentAdmin' and b.principal_id <> $1 and p.status = 'active' and ${LIVE} and (p.expires_at is null or p.expires_at > clock_timestamp())`,
    [principalId],
  )
  return row?.count ?? 0
}
