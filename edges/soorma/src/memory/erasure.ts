import type { Client, FrontRequest, ModuleDatabase } from '@soma/kernel'
import type { memoryContract } from '@soma/memory/contract'
import { isSameSecret } from '../auth/is-same-secret.ts'
import { spaceOf } from '../auth/callers.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import {
  deleteRecordsOfPeople,
  type NamedOfSomebody,
  type People,
  selectRecordsOfPeople,
} from '../records/people-store.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import type { createPlans } from './plans.ts'

export interface ErasureOptions {
  readonly items: Client<typeof memoryContract>['items']
  readonly plans: Pick<ReturnType<typeof createPlans>, 'find' | 'forget'>
  readonly database: ModuleDatabase
  /** Empty: nobody may. */
  readonly adminKey: string
}

export interface Named {
  readonly platformTenant: string
  readonly serviceTenant?: string
  readonly serviceUser?: string
}

/** Erases what people said and saved, of the own tenant alone: items, working memory, sessions, names of plans and tasks; open plans are cancelled. */
export function createMemoryErasure({ items, plans, database, adminKey }: ErasureOptions) {
  return async (caller: Caller, named: Named, { headers }: FrontRequest): Promise<undefined> => {
    const given = headers['x-memory-admin-key'] ?? ''
    if (
      adminKey === '' ||
      !isSameSecret(given, adminKey) ||
      caller.isUser ||
      named.platformTenant !== caller.platformTenant
    )
      throw refusal(403, 'Admin authorization required')
    const context = { ...caller.context, spaceId: '' }
    const spaceId = named.serviceTenant === undefined ? undefined : spaceOf(named.serviceTenant, named.platformTenant)
    const people = { spaceId, userId: named.serviceUser }
    await cancelPlans(caller, people)
    const select =
      named.serviceUser === undefined
        ? { everyone: spaceId === undefined ? {} : { spaceId } }
        : { subject: { userId: named.serviceUser, spaceId: spaceId ?? '' } }
    await items.forget(context, { body: { select, reason: 'erased by an administrator' } })
    await database.transaction(context, (tx) =>
      deleteRecordsOfPeople(tx, people, ['plan', 'task', 'sub-task', 'session']),
    )
  }

  /** Plans end as their own users would end them. */
  async function cancelPlans(caller: Caller, people: People): Promise<void> {
    const everywhere = { ...caller.context, spaceId: '' }
    for (let after: NamedOfSomebody | undefined; ; ) {
      const rows = await database.transaction(everywhere, (tx) =>
        selectRecordsOfPeople(tx, { people, kind: 'plan', after }),
      )
      for (const { space_id, user_id, foreign_id } of rows) {
        const context = { ...caller.context, spaceId: space_id, userId: user_id }
        const owner = { ...caller, context, serviceUser: user_id }
        const known = await plans.find(owner, foreign_id)
        if (known !== undefined) await plans.forget(owner, known).catch(ignoreNotFound)
      }
      after = rows.at(-1)
      if (after === undefined) return
    }
  }
}
