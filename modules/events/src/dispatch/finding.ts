import { type Context, commonProblems, type ModuleDatabase, uuidOf } from '@soma/kernel'
import { requireReadings } from '../log/service.ts'
import { dispatchIdOf, groupOf, type Push, type SubscriptionConfig } from '../subscriptions/config.ts'
import { type StartOptions, startPlaces } from '../subscriptions/start.ts'
import { countPlaces, findSubscription, insertCursors } from '../subscriptions/store.ts'
import type { Found, Groups } from './groups.ts'
import { memberIdInUse } from './members.ts'
import { rememberMember } from './store.ts'

export interface FindingOptions extends StartOptions {
  readonly database: ModuleDatabase
  readonly groups: Groups
  readonly quotaMembers: number
}

interface Asking {
  readonly memberId: string
  /** A place that the member does not have yet is made. */
  readonly isJoining: boolean
}

/** Finds where a member of a subscription is served. @throws not-found, the same for foreign and absent; conflict where the server is the member */
type Find = (context: Context, subscriptionId: string, member: Asking) => Promise<Found>

/** A mode never changes. Beyond so many all are asked again. */
const MODES_REMEMBERED = 10_000

const NOBODYS = { tenantId: undefined, spaceId: '', push: undefined }

const ownerOf = (found: Found): { tenantId: string; spaceId: string; push?: Push | undefined } =>
  'group' in found
    ? found.group.config
    : {
        tenantId: found.at.subscription.tenant_id,
        spaceId: found.at.subscription.space_id,
        push: found.at.subscription.config.push,
      }

export const tooManyMembers = (quota: number) =>
  commonProblems.rateLimited.create(`the tenant has ${quota} members, its quota`, { retryAfterMs: 5000 })

/** A group has one dispatcher, in a broadcast each member has one. */
export function createFinding(options: FindingOptions): Find {
  const { database, groups } = options
  const modes = new Map<string, SubscriptionConfig['mode']>()
  const modeOf = async (context: Context, id: string) => {
    const known = modes.get(id)
    if (known !== undefined) return known
    const mode = (await database.transaction(context, (tx) => findSubscription(tx, id)))?.config.mode
    if (modes.size >= MODES_REMEMBERED) modes.clear()
    if (mode !== undefined) modes.set(id, mode)
    return mode
  }
  const findPlace = async (context: Context, id: string, { memberId, isJoining }: Asking) => {
    const place = dispatchIdOf(id, memberId)
    const found = await groups.find(place)
    if (found !== undefined || !isJoining) return found
    await makePlace(context, { id, memberId }, options)
    return groups.find(place)
  }
  return async (context, subscriptionId, member) => {
    const id = uuidOf('sub', subscriptionId)
    const isBroadcast = (await modeOf(context, id)) === 'broadcast'
    const found = isBroadcast ? await findPlace(context, id, member) : await groups.find(id)
    const { tenantId, spaceId, push } = found === undefined ? NOBODYS : ownerOf(found)
    const isVisible = tenantId === context.tenantId && (context.spaceId === '' || context.spaceId === spaceId)
    if (found === undefined || !isVisible) throw commonProblems.notFound.create(`no subscription ${subscriptionId}`)
    if (push !== undefined)
      throw commonProblems.conflict.create(`${subscriptionId} is pushed to ${push.url}: the server is its one member`)
    return found
  }
}

/** A member of a broadcast joins for the first time, or after its place was forgotten. */
async function makePlace(
  context: Context,
  { id, memberId }: { id: string; memberId: string },
  options: FindingOptions,
): Promise<void> {
  const { database, quotaMembers } = options
  const row = await database.transaction(context, (tx) => findSubscription(tx, id))
  if (row === undefined) return
  const topics = [...requireReadings(row.config.topics).keys()]
  const places = await startPlaces(topics, row.config.startAt, { ...options, pointer: '/query' })
  const { tenantId, principal } = context
  await database.transaction(context, async (tx) => {
    if ((await countPlaces(tx)) >= quotaMembers) throw tooManyMembers(quotaMembers)
    const isOwn = await rememberMember(tx, { tenantId, subscriptionId: id, memberId, principalId: principal.id })
    if (!isOwn) throw memberIdInUse(memberId)
    await insertCursors(tx, { name: groupOf(dispatchIdOf(id, memberId)), tenantId }, places)
  })
}
