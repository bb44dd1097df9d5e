import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { toId, newUuid } from '@soma/kernel'
import type { Push } from '../subscriptions/config.ts'

const SECRET_BYTES = 32
const HMAC = 'whsec_'
const PRIVATE = 'whsk_'
const PUBLIC = 'whpk_'

/** What the seal of a key is bound to. */
export const sealedAbout = (subscriptionId: string): string => `push/${subscriptionId}`

/** A new key of a target, in the spelling of Standard Webhooks. */
export interface SigningKey {
  /** What signs; never shown where it is a private key. */
  readonly text: string
  readonly ref: string
  readonly publicKey?: string
  /** What the target has to know and nobody else. */
  readonly secret?: string
}

export function makeSigningKey(signing: Push['signing']): SigningKey {
  const ref = toId('psk', newUuid())
  if (signing === 'hmac') {
    const secret = HMAC + randomBytes(SECRET_BYTES).toString('base64')
    return { text: secret, ref, secret }
  }
  const { privateKey } = generateKeyPairSync('ed25519')
  const text = PRIVATE + privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { text, ref, publicKey: PUBLIC + Buffer.from(x, 'base64url').toString('base64') }
}

/** The secret that a key's owner may be shown. */
export const shownSecret = (text: string): string | undefined => (text.startsWith(HMAC) ? text : undefined)

export interface SignedMessage {
  readonly id: string
  /** Unix seconds. */
  readonly timestamp: number
  readonly body: Uint8Array
}

/** One signature of the header `webhook-signature`: `v1,…` or `v1a,…`. */
export function signatureOf(text: string, { id, timestamp, body }: SignedMessage): string {
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  if (text.startsWith(HMAC)) {
    const key = Buffer.from(text.slice(HMAC.length), 'base64')
    return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
  }
  const key = createPrivateKey({
    key: Buffer.from(text.slice(PRIVATE.length), 'base64'),
    format: 'der',
    type: 'pkcs8',
  })
  return `v1a,${sign(null, content, key).toString('base64')}`
}
