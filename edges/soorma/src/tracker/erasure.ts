import { holds, type ModuleDatabase } from '@soma/kernel'
import { spaceOf } from '../auth/callers.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { deletePlanEvents } from './store.ts'

export interface Erased {
  readonly platformTenant: string
  readonly serviceTenant?: string
  readonly serviceUser?: string
}

/** Forgets what the events of plans said, of the own tenant alone. @throws 403 for another tenant, and for who does not administer it */
export const createErasure =
  (database: ModuleDatabase) =>
  async (
    { context, platformTenant }: Caller,
    { platformTenant: named, serviceTenant, serviceUser }: Erased,
  ): Promise<undefined> => {
    if (named !== platformTenant || !holds(context.principal, 'tenant:configure'))
      throw refusal(403, 'Trust policy denied')
    await database.transaction({ ...context, spaceId: '' }, (tx) =>
      deletePlanEvents(tx, {
        spaceId: serviceTenant === undefined ? undefined : spaceOf(serviceTenant, platformTenant),
        userId: serviceUser,
      }),
    )
  }
