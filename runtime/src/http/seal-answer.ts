import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * How an answer with a secret waits for its repeat: AES-256-GCM under a key that takes both the key of the installation and the client's Idempotency-Key, of which a hash
 * alone is kept. Whoever reads the database and the installation's key still needs the request.
 */
export interface AnswerSeal {
  /** Stands for the Idempotency-Key in the store. */
  readonly lookup: string
  /** Of the request's body, which may hold a password: nobody can try guesses without the key. */
  hash(body: string): string
  seal(text: string): string
  open(sealed: string): string
}

/** `scope` tells requests apart that happen to use one Idempotency-Key. */
export function createAnswerSeal(encryptionKey: Uint8Array, scope: string, idempotencyKey: string): AnswerSeal {
  const key = Buffer.from(hkdfSync('sha256', encryptionKey, scope, `soma sealed answer ${idempotencyKey}`, 32))
  return {
    lookup: `sha256:${createHash('sha256').update(`${scope} ${idempotencyKey}`).digest('hex')}`,
    hash: (body) => createHmac('sha256', key).update(body).digest('hex'),
    seal: (text) => {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    open: (sealed) => {
      const bytes = Buffer.from(sealed, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
    },
  }
}
