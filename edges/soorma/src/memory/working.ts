import { createHash } from 'node:crypto'
import { type Client, type Json } from '@soma/kernel'
import type { memoryContract, WorkingItem } from '@soma/memory/contract'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { derivedUuid } from '../records/own-names.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { naiveTime } from './foreign-ids.ts'
import type { createPlans } from './plans.ts'

export interface WorkingOptions {
  readonly working: Client<typeof memoryContract>['working']
  readonly plans: Pick<ReturnType<typeof createPlans>, 'find'>
  /** Of plans that Soma does not know. */
  readonly ttlMs: number
}

const NO_PLAN = '00000000-0000-0000-0000-000000000000'
const USER = { scopeType: 'user', scopeId: 'me' } as const
const LONGEST_PLAN = 60
const LONGEST_KEY = 120
const AT_ONCE = 100

type Place = typeof USER | { readonly scopeType: 'plan'; readonly scopeId: string }

/**
 * Working memory. A plan that Soma knows has its own, which ends with it; values of any other plan id, and of none, are the user's, under keys that begin with the plan.
 * Values that came before their plan move to it when it is made.
 */
export function createWorking({ working, plans, ttlMs }: WorkingOptions) {
  /** The plan's own scope, if Soma knows the plan. */
  const scopeOf = async (caller: Caller, planId: string): Promise<{ place: Place; hasEnded: boolean } | undefined> => {
    const known = planId === NO_PLAN ? undefined : await plans.find(caller, planId)
    if (known === undefined) return undefined
    const place = { scopeType: 'plan', scopeId: known.plan.planId } as const
    return { place, hasEnded: known.plan.endedAt !== undefined }
  }
  const scratchOf = (planId: string, key: string) => ({
    ...USER,
    key: `${prefixOf(planId)}${shortened(key, LONGEST_KEY)}`,
  })

  /** Where a value of this plan and key may be, the plan's own first. Of a plan that has ended nothing is left. */
  const placesOf = async (caller: Caller, planId: string, key: string) => {
    const own = await scopeOf(caller, planId)
    if (own === undefined) return [scratchOf(planId, key)]
    const ofPlan = { ...own.place, key: ownKey(key) }
    return own.hasEnded ? [ofPlan] : [ofPlan, scratchOf(planId, key)]
  }

  return {
    put: async (caller: Caller, { planId, key }: { planId: string; key: string }, value: Json) => {
      const own = await scopeOf(caller, planId)
      const params = own === undefined ? scratchOf(planId, key) : { ...own.place, key: ownKey(key) }
      const expires = own === undefined && planId !== NO_PLAN ? { ttlMs } : {}
      const item = await working.put(caller.context, { params, body: { value, ...expires } })
      return viewOf(caller, { planId, key, item })
    },
    get: async (caller: Caller, { planId, key }: { planId: string; key: string }) => {
      for (const params of await placesOf(caller, planId, key)) {
        const item = await working.get(caller.context, { params }).catch(ignoreNotFound)
        if (item !== undefined) return viewOf(caller, { planId, key, item })
      }
      throw refusal(404, `Working memory not found: ${planId}/${key}`)
    },
    remove: async (caller: Caller, { planId, key }: { planId: string; key: string }) => {
      let deleted = false
      for (const params of await placesOf(caller, planId, key))
        if (await isDone(working.delete(caller.context, { params }))) deleted = true
      const message = deleted ? `Deleted ${planId}/${key}` : `Working memory not found: ${planId}/${key}`
      return { success: true, deleted, message }
    },
    clear: async (caller: Caller, planId: string) => {
      const own = await scopeOf(caller, planId)
      const cleared = own === undefined ? 0 : (await working.clear(caller.context, { params: own.place })).deleted
      const scratch = await eachOfScratch(caller, planId, () => Promise.resolve())
      const countDeleted = cleared + scratch
      return { success: true, countDeleted, message: `Deleted ${countDeleted} of ${planId}` }
    },
    /** Gives a plan that was just made what was saved for it before. */
    adopt: async (caller: Caller, planId: string): Promise<void> => {
      const own = await scopeOf(caller, planId)
      if (own === undefined || own.hasEnded) return
      await eachOfScratch(caller, planId, async (item) => {
        const params = { ...own.place, key: item.key.slice(prefixOf(planId).length) }
        await working.put(caller.context, { params, body: { value: item.value as Json } })
      })
    },
  }

  /** Does something with each value that is kept for a plan outside of it, and deletes it. */
  async function eachOfScratch(
    caller: Caller,
    planId: string,
    act: (item: WorkingItem) => Promise<void>,
  ): Promise<number> {
    const query = { prefix: prefixOf(planId), limit: AT_ONCE }
    for (let count = 0; ; ) {
      const { items } = await working.list(caller.context, { params: USER, query })
      for (const item of items) {
        await act(item)
        await isDone(working.delete(caller.context, { params: { ...USER, key: item.key } }))
      }
      count += items.length
      if (items.length < AT_ONCE) return count
    }
  }
}

/** False where there was nothing. */
const isDone = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    (error: unknown) => ignoreNotFound(error) ?? false,
  )

/** A key as the plan's own scope has it: as in the user's scratch, so that it can move. */
const ownKey = (key: string): string => shortened(key, LONGEST_KEY)

/** No two plans have prefixes of which one begins the other: what is encoded has no `/`. */
const prefixOf = (planId: string): string => `soorma/${shortened(encodeURIComponent(planId), LONGEST_PLAN)}/`

/** A text that is too long, or could be one that was, by what it is a digest of. */
const shortened = (text: string, longest: number): string =>
  text.length <= longest && !text.startsWith('~')
    ? text
    : `~${createHash('sha256').update(text).digest('hex').slice(0, 48)}`

const viewOf = (caller: Caller, { planId, key, item }: { planId: string; key: string; item: WorkingItem }) => ({
  id: derivedUuid(caller.platformTenant, caller.context.spaceId, caller.serviceUser, planId, key),
  tenantId: caller.platformTenant,
  planId,
  key,
  value: item.value as Json,
  updatedAt: naiveTime(new Date(item.updatedAt)),
})
