import {
  type Context,
  commonProblems,
  decodeCursor,
  type EventDefinition,
  holds,
  type ModuleDatabase,
  type Transaction,
  toPage,
  uuidOf,
  withoutUndefined,
} from '@soma/kernel'
import {
  type Subscription,
  subscriptionChanged,
  subscriptionCreated,
  subscriptionDeleted,
  subscriptionResumed,
  subscriptionSuspended,
} from '../../contract/index.ts'
import { requireReadings } from '../log/service.ts'
import { notPushed, type PushTargets, scheduled } from '../push/targets.ts'
import { clearFailures } from '../push/store.ts'
import {
  groupOf,
  type Push,
  type SubscriptionConfig,
  type SubscriptionInputConfig,
  type SubscriptionRow,
  toSubscription,
} from './config.ts'
import { type StartOptions, startPlaces } from './start.ts'
import * as store from './store.ts'

export interface SubscriptionServiceOptions extends StartOptions {
  readonly database: ModuleDatabase
  readonly quotaSubscriptions: number
  readonly targets: PushTargets
  /** Tells the dispatcher of this process after the commit. */
  readonly changed: (subscriptionId: string) => Promise<void>
  readonly removed: (subscriptionId: string) => Promise<void>
  /** Carries a change out while nobody of this process dispatches the subscription. */
  readonly restarted: (subscriptionId: string, change: () => Promise<void>) => Promise<void>
}

type Create = SubscriptionInputConfig & { readonly name: string }
type Changes = {
  readonly [Field in keyof Omit<SubscriptionConfig, 'mode' | 'startAt' | 'push'>]?:
    | SubscriptionConfig[Field]
    | undefined
} & { readonly push?: { url?: string | undefined; format?: Push['format'] | undefined } | undefined }
/** With the secret, which no other answer shows. */
type Issued = Omit<Subscription, 'push'> & { readonly push?: Push & { readonly secret?: string } }

export function createSubscriptionService(options: SubscriptionServiceOptions) {
  const { database } = options
  const setState = async (
    context: Context,
    subscriptionId: string,
    state: 'active' | 'paused',
    note: string | undefined,
  ) => {
    const id = uuidOf('sub', subscriptionId)
    const row = await database.transaction(context, async (tx) => {
      const current = requireManageable(context, await store.findSubscription(tx, id), subscriptionId)
      const updated = await store.updateSubscription(tx, id, { ...current, state })
      if (updated === undefined) throw commonProblems.conflict.create(`${subscriptionId} was changed at the same time`)
      if (state === 'active' && current.config.push !== undefined) await clearFailures(tx, id)
      emitAbout(tx, state === 'paused' ? subscriptionSuspended : subscriptionResumed, updated, note)
      return updated
    })
    await options.changed(id)
    return toSubscription(row)
  }
  return {
    create: (context: Context, input: Create, subscriptionId: string) =>
      create(context, input, uuidOf('sub', subscriptionId), options),
    list: async (
      context: Context,
      query: { limit: number; cursor?: string | undefined; name?: string | undefined },
    ) => {
      const seesAll = holds(context.principal, 'subscription:manage') || holds(context.principal, 'event:read')
      const before = decodeCursor(query.cursor, ['uuid'])?.[0]
      const rows = await database.transaction(context, (tx) =>
        store.listSubscriptions(tx, {
          ownerId: seesAll ? null : context.principal.id,
          name: query.name ?? null,
          before: before ?? null,
          limit: query.limit + 1,
        }),
      )
      return toPage(rows, query.limit, { item: toSubscription, key: (row) => [row.id] })
    },
    get: async (context: Context, subscriptionId: string): Promise<Subscription> =>
      toSubscription(
        requireVisible(
          await database.transaction(context, (tx) => store.findSubscription(tx, uuidOf('sub', subscriptionId))),
          subscriptionId,
        ),
      ),
    update: (context: Context, subscriptionId: string, change: { changes: Changes; version: number }) =>
      update(context, subscriptionId, change, options),
    delete: async (context: Context, subscriptionId: string, version: number): Promise<void> => {
      const id = uuidOf('sub', subscriptionId)
      await database.transaction(context, async (tx) => {
        const current = requireManageable(context, await store.findSubscription(tx, id), subscriptionId)
        if (!(await store.deleteSubscription(tx, id, version))) throw versionConflict(current)
        await store.deleteGroup(tx, groupOf(id))
        await store.deleteMembers(tx, id)
        emitAbout(tx, subscriptionDeleted, current)
      })
      await options.removed(id)
    },
    seek: (context: Context, subscriptionId: string, wanted: { to: SubscriptionConfig['startAt']; note: string }) =>
      seek(context, subscriptionId, wanted, options),
    pause: (context: Context, subscriptionId: string, note?: string) =>
      setState(context, subscriptionId, 'paused', note),
    rotateSecret: (
      context: Context,
      subscriptionId: string,
      next: { signing?: Push['signing'] | undefined; overlapMs: number },
    ) => rotateSecret(context, subscriptionId, next, options),
    resume: (context: Context, subscriptionId: string, note?: string) =>
      setState(context, subscriptionId, 'active', note),
  }
}

async function create(
  context: Context,
  { name, ...input }: Create,
  id: string,
  options: SubscriptionServiceOptions,
): Promise<Issued> {
  // Nobody's address is called for a subscription that there is no room for.
  if (input.push !== undefined) await options.database.transaction(context, (tx) => requireRoom(tx, options))
  const { config, key } = await options.targets.prepare(input)
  if (config.mode === 'broadcast') requireNoSequence(config.startAt)
  const places = await startPlaces([...requireReadings(config.topics).keys()], config.startAt, {
    ...options,
    pointer: '/body/startAt',
  })
  return options.database.transaction(context, async (tx) => {
    await requireRoom(tx, options)
    const inserted = await store.insertSubscription(tx, {
      id,
      tenant_id: context.tenantId,
      name,
      space_id: context.spaceId,
      owner_id: context.principal.id,
      config,
      state: 'active',
      version: 1,
      created_at: new Date(0),
    })
    if (inserted === undefined) {
      const existing = repeatOf(await store.findByName(tx, name), id, name)
      return issued(existing, await options.targets.secretOf(tx, id))
    }
    if (key !== undefined) await options.targets.insert(tx, { tenantId: context.tenantId, subscriptionId: id }, key)
    // In a broadcast each member has a place of its own, from when it first joins.
    if (config.mode === 'group')
      await store.insertCursors(tx, { name: groupOf(id), tenantId: context.tenantId }, places)
    emitAbout(tx, subscriptionCreated, inserted)
    return issued(inserted, key?.secret)
  })
}

async function requireRoom(tx: Transaction, { quotaSubscriptions }: SubscriptionServiceOptions): Promise<void> {
  if ((await store.countSubscriptions(tx)) >= quotaSubscriptions)
    throw commonProblems.rateLimited.create(`the tenant has ${quotaSubscriptions} subscriptions, its quota`)
}

function issued(row: SubscriptionRow, secret: string | undefined): Issued {
  const { push, ...subscription } = toSubscription(row)
  return push === undefined
    ? subscription
    : { ...subscription, push: { ...push, ...(secret === undefined ? {} : { secret }) } }
}

function requireNoSequence(startAt: SubscriptionConfig['startAt']): void {
  if (typeof startAt === 'string' || 'time' in startAt) return
  const detail = 'members of a broadcast begin when they join: at latest, earliest or a time'
  throw commonProblems.invalidRequest.create(detail, {
    errors: [{ pointer: '/body/startAt', code: 'not-in-broadcast', detail }],
  })
}

/** A repeated request makes the same id again and gets the same row. @throws conflict when the name is another's. */
function repeatOf(existing: SubscriptionRow | undefined, id: string, name: string): SubscriptionRow {
  if (existing?.id === id) return existing
  throw commonProblems.conflict.create(
    `the name "${name}" is taken`,
    existing === undefined ? {} : { subscriptionId: toSubscription(existing).id },
  )
}

async function update(
  context: Context,
  subscriptionId: string,
  { changes, version }: { changes: Changes; version: number },
  options: SubscriptionServiceOptions,
): Promise<Subscription> {
  const id = uuidOf('sub', subscriptionId)
  const { push: change, ...others } = changes
  const topics = changes.topics === undefined ? undefined : [...requireReadings(changes.topics).keys()]
  const push = change === undefined ? undefined : await changedPush(context, subscriptionId, change, options)
  const places = topics === undefined ? [] : await startPlaces(topics, 'latest', { ...options, pointer: '/body' })
  const row = await options.database.transaction(context, async (tx) => {
    const current = requireManageable(context, await store.findSubscription(tx, id), subscriptionId)
    if (current.config.push !== undefined) refuseSchedule(changes)
    const given = withoutUndefined({ ...others, push })
    const updated = await store.updateSubscription(tx, id, {
      config: { ...current.config, ...given },
      state: current.state,
      version,
    })
    if (updated === undefined) throw versionConflict(current)
    if (topics !== undefined) {
      for (const name of await store.listGroups(tx, groupOf(id))) {
        await store.insertCursors(tx, { name, tenantId: context.tenantId }, places)
        await store.deleteCursorsExcept(tx, name, topics)
      }
    }
    emitAbout(tx, subscriptionChanged, updated)
    return updated
  })
  await options.changed(id)
  return toSubscription(row)
}

/** The target is asked before the transaction, which awaits SQL alone; the version tells whether the subscription is still what it was. */
async function changedPush(
  context: Context,
  subscriptionId: string,
  change: NonNullable<Changes['push']>,
  { database, targets }: SubscriptionServiceOptions,
): Promise<Push> {
  const row = await database.transaction(context, async (tx) =>
    requireManageable(context, await store.findSubscription(tx, uuidOf('sub', subscriptionId)), subscriptionId),
  )
  return targets.change(row.config.push, change)
}

function refuseSchedule({ maxAttempts, backoff }: Changes): void {
  const errors = [
    ...(maxAttempts === undefined ? [] : [scheduled('maxAttempts')]),
    ...(backoff === undefined ? [] : [scheduled('backoff')]),
  ]
  const [first] = errors
  if (first !== undefined) throw commonProblems.invalidRequest.create(first.detail, { errors })
}

async function rotateSecret(
  context: Context,
  subscriptionId: string,
  next: { signing?: Push['signing'] | undefined; overlapMs: number },
  { database, targets, changed }: SubscriptionServiceOptions,
): Promise<Issued> {
  const id = uuidOf('sub', subscriptionId)
  const answer = await database.transaction(context, async (tx) => {
    const current = requireManageable(context, await store.findSubscription(tx, id), subscriptionId)
    const { push } = current.config
    if (push === undefined) throw notPushed()
    const { signing = push.signing, overlapMs } = next
    const rotated = await targets.rotate(tx, { subscriptionId: id, push }, { signing, overlapMs })
    const config = { ...current.config, push: rotated.push }
    const updated = await store.updateSubscription(tx, id, { ...current, config })
    if (updated === undefined) throw commonProblems.conflict.create(`${subscriptionId} was changed at the same time`)
    emitAbout(tx, subscriptionChanged, updated, 'the signing key was rotated')
    return issued(updated, rotated.secret)
  })
  await changed(id)
  return answer
}

/** The place is found before the transaction, which awaits SQL alone; what is recorded meanwhile comes after it. */
async function seek(
  context: Context,
  subscriptionId: string,
  { to, note }: { to: SubscriptionConfig['startAt']; note: string },
  options: SubscriptionServiceOptions,
): Promise<Subscription> {
  const id = uuidOf('sub', subscriptionId)
  const find = async (tx: Transaction) =>
    requireManageable(context, await store.findSubscription(tx, id), subscriptionId)
  const row = await options.database.transaction(context, find)
  const topics = [...requireReadings(row.config.topics).keys()]
  const places = await startPlaces(topics, to, { ...options, pointer: '/body/to' })
  await options.restarted(id, () =>
    options.database.transaction(context, async (tx) => {
      const current = await find(tx)
      for (const group of await store.listGroups(tx, groupOf(id))) await store.seekCursors(tx, group, places)
      emitAbout(tx, subscriptionChanged, current, note)
    }),
  )
  if (row.config.mode === 'broadcast') await options.changed(id)
  return toSubscription(row)
}

const versionConflict = (current: SubscriptionRow) =>
  commonProblems.versionConflict.create(`the version is ${current.version}`, { version: current.version })

function emitAbout(
  tx: Transaction,
  definition: typeof subscriptionCreated | EventDefinition,
  row: SubscriptionRow,
  reason?: string,
): void {
  const { id, name, topics, types, state } = toSubscription(row)
  const data = { subscriptionId: id, name, topics, types, state, ...(reason === undefined ? {} : { reason }) }
  tx.emit(definition, data, { partitionKey: id, subject: id })
}

export function requireVisible(row: SubscriptionRow | undefined, subscriptionId: string): SubscriptionRow {
  if (row === undefined) throw commonProblems.notFound.create(`no subscription ${subscriptionId}`)
  return row
}

function requireManageable(
  context: Context,
  row: SubscriptionRow | undefined,
  subscriptionId: string,
): SubscriptionRow {
  const found = requireVisible(row, subscriptionId)
  if (found.owner_id === context.principal.id || holds(context.principal, 'subscription:manage')) return found
  throw commonProblems.forbidden.create(
    `${subscriptionId} is another's: changing it needs the capability "subscription:manage"`,
    {
      capability: 'subscription:manage',
    },
  )
}
