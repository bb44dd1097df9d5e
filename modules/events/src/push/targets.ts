import { isDeepStrictEqual } from 'node:util'
import { type Clock, commonProblems, type SqlSession } from '@soma/kernel'
import { subscriptionInputSchema } from '../../contract/subscriptions.ts'
import type { EventsPorts } from '../ports.ts'
import type { Push, SubscriptionConfig, SubscriptionInputConfig } from '../subscriptions/config.ts'
import { proveTarget } from './handshake.ts'
import { PUSH_ATTEMPTS } from './schedule.ts'
import { makeSigningKey, sealedAbout, type SigningKey, shownSecret } from './signing.ts'
import { findTarget, insertTarget, replaceSecret } from './store.ts'

/** What a subscription is made with; `key` signs its posts. */
export interface NewTarget {
  readonly config: SubscriptionConfig
  readonly key: SigningKey | undefined
}

export interface PushTargets {
  /** Before the transaction: asks the target, makes a key. Without `push` the config is as it was. @throws invalid-request, address-refused, handshake-failed */
  prepare(config: SubscriptionInputConfig): Promise<NewTarget>
  /** In the transaction that makes the subscription. */
  insert(session: SqlSession, owner: { tenantId: string; subscriptionId: string }, key: SigningKey): Promise<void>
  /** The secret as it was shown when it was made. */
  secretOf(session: SqlSession, subscriptionId: string): Promise<string | undefined>
  /** Another address proves itself. @throws invalid-request where nothing is pushed, address-refused, handshake-failed */
  change(
    current: Push | undefined,
    change: { url?: string | undefined; format?: Push['format'] | undefined },
  ): Promise<Push>
  /** Answers what the subscription says of its key from now on, and the new secret. */
  rotate(
    session: SqlSession,
    current: { subscriptionId: string; push: Push },
    next: { signing: Push['signing']; overlapMs: number },
  ): Promise<{ push: Push; secret: string | undefined }>
}

export function createPushTargets(
  options: Pick<EventsPorts, 'outgoing' | 'origin' | 'textSeal'> & { clock: Clock },
): PushTargets {
  const { clock, textSeal } = options
  const prove = async (url: string): Promise<string> => {
    await proveTarget(url, options)
    return clock.now().toISOString()
  }
  const sealFor = (subscriptionId: string, key: SigningKey) => textSeal.seal(key.text, sealedAbout(subscriptionId))
  return {
    prepare: async ({ push, ...config }) => {
      if (push === undefined) return { config, key: undefined }
      requirePushable(config)
      const verifiedAt = await prove(push.url)
      const key = makeSigningKey(push.signing)
      return { config: { ...config, maxAttempts: PUSH_ATTEMPTS, push: { ...push, ...nameOf(key), verifiedAt } }, key }
    },
    insert: async (session, { tenantId, subscriptionId }, key) => {
      await insertTarget(session, { tenantId, subscriptionId, secret: sealFor(subscriptionId, key) })
    },
    secretOf: async (session, subscriptionId) => {
      const target = await findTarget(session, subscriptionId)
      return target === undefined ? undefined : shownSecret(textSeal.open(target.secret, sealedAbout(subscriptionId)))
    },
    change: async (current, { url, format }) => {
      if (current === undefined) throw notPushed()
      const isSame = url === undefined || url === current.url
      const proven = isSame ? {} : { url, verifiedAt: await prove(url) }
      return { ...current, ...proven, ...(format === undefined ? {} : { format }) }
    },
    rotate: async (session, { subscriptionId, push }, { signing, overlapMs }) => {
      const key = makeSigningKey(signing)
      await replaceSecret(session, subscriptionId, { secret: sealFor(subscriptionId, key), overlapMs })
      const { publicKey: _former, ...rest } = push
      return { push: { ...rest, signing, ...nameOf(key) }, secret: key.secret }
    },
  }
}

const nameOf = ({ ref, publicKey }: SigningKey) => ({
  secretRef: ref,
  ...(publicKey === undefined ? {} : { publicKey }),
})

export const notPushed = () =>
  commonProblems.invalidRequest.create('nothing of this subscription is pushed; make another one with push')

/** What stands there when the caller said nothing. */
const { maxAttempts: DEFAULT_ATTEMPTS, backoff: DEFAULT_BACKOFF } = subscriptionInputSchema.parse({
  name: 'any',
  topics: ['any'],
})

/** Push has one member and a schedule of its own: a caller that wants others is told. */
function requirePushable({ mode, maxAttempts, backoff }: Omit<SubscriptionInputConfig, 'push'>): void {
  const errors = [
    ...(mode === 'broadcast' ? [{ pointer: '/body/mode', code: 'not-with-push', detail: 'push is for a group' }] : []),
    ...(maxAttempts !== DEFAULT_ATTEMPTS && maxAttempts !== PUSH_ATTEMPTS ? [scheduled('maxAttempts')] : []),
    ...(isDeepStrictEqual(backoff, DEFAULT_BACKOFF) ? [] : [scheduled('backoff')]),
  ]
  if (errors.length > 0)
    throw commonProblems.invalidRequest.create(errors.map(({ detail }) => detail).join('; '), { errors })
}

/** A field that a pushed subscription does not have a say in. */
export const scheduled = (field: string) => ({
  pointer: `/body/${field}`,
  code: 'not-with-push',
  detail: `${field} is that of the push schedule, which cannot be changed`,
})
