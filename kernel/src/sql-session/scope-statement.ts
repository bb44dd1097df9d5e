import type { DatabaseScope } from '../ports/database.ts'

export interface Statement {
  readonly sql: string
  readonly parameters: readonly string[]
}

/** The one statement after BEGIN: role and settings, all local to the transaction. */
export function scopeStatement(scope: DatabaseScope): Statement {
  const settings: [string, string][] = [
    ['soma.tenant_id', scope.tenantId ?? ''],
    ['soma.space_id', scope.spaceId ?? ''],
    ['soma.user_id', scope.userId ?? ''],
    ['soma.principal_id', scope.principalId ?? ''],
    ...Object.entries(scope.settings ?? {}),
    ['role', scope.role],
  ]
  const calls = settings.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, true)`)
  return { sql: `select ${calls.join(', ')}`, parameters: settings.flat() }
}

/** The same for the owner: no tenant, no settings of an earlier transaction. */
export const ownerStatement: Statement = { sql: `select set_config('role', 'soma_owner', true)`, parameters: [] }
