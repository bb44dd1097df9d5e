import { commonProblems, type SqlSession } from '@soma/kernel'
import { countOtherAdmins } from './store.ts'

/** Locks the tenant, so that two admins cannot remove each other at once. @throws conflict when no other active AgentAdmin would be left */
export async function keepAnAdmin(tx: SqlSession, principalId: string): Promise<void> {
  await tx.query(`select 1 from identity.tenants where tenant_id = current_setting('soma.tenant_id') for update`)
  if ((await countOtherAdmins(tx, principalId)) === 0) {
    throw commonProblems.conflict.create(`${principalId} is the last active AgentAdmin of the tenant`)
  }
}
