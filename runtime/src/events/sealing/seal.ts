import { createCipheriv, createDecipheriv, createHmac, type KeyObject } from 'node:crypto'

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM: nonce, ciphertext, tag. `about` is authenticated with it, so that one ciphertext is worth nothing in the place of another. The nonce is a digest of all that is
 * sealed, by the idea of RFC 5297: sealed again, after an append whose answer was lost, an event is the same bytes, by which a bus knows the repeat; and no nonce serves two texts.
 */
export function seal(plain: Uint8Array, key: KeyObject, about: string): Buffer {
  const iv = createHmac('sha256', key).update(`nonce\0${about}\0`).update(plain).digest().subarray(0, IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(about))
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws Error when the key is another or anything was changed */
export function unseal(sealed: Uint8Array, key: KeyObject, about: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(about)).setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES)), decipher.final()])
}
