import { type Clock, commonProblems, type Context, type ModuleDatabase } from '@soma/kernel'
import { findSubject } from '../principals/subject.ts'

/** What an active principal of the caller's tenant holds now. @throws not-found for one that is absent, disabled or expired: nobody acts for those */
export function createCapabilityLookup({ database, clock }: { database: ModuleDatabase; clock: Clock }) {
  return (context: Context, principalId: string) =>
    database.asWorker(database.moduleContext(context.tenantId), async (tx) => {
      const subject = await findSubject(tx, principalId, clock.now())
      if (subject === undefined) throw commonProblems.notFound.create(`no active principal ${principalId}`)
      return { principalId, kind: subject.row.kind, roles: [...subject.roles], capabilities: [...subject.capabilities] }
    })
}
