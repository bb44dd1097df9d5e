import { createSecretKey, hkdfSync } from 'node:crypto'
import { seal, unseal } from './seal.ts'

/** Keeps secrets in rows of the database unreadable without the key of the installation. `about` names the row: sealed text is worth nothing in another. */
export interface TextSeal {
  seal(text: string, about: string): string
  /** @throws Error when the key is another or anything was changed */
  open(sealed: string, about: string): string
}

/** `purpose` parts the key from those of other uses. */
export function createTextSeal(encryptionKey: Uint8Array, purpose: string): TextSeal {
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', encryptionKey, '', `soma ${purpose}`, 32)))
  return {
    seal: (text, about) => seal(Buffer.from(text), key, about).toString('base64'),
    open: (sealed, about) => unseal(Buffer.from(sealed, 'base64'), key, about).toString('utf8'),
  }
}
