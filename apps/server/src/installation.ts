import { hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerSettings } from './server-contract.ts'

const KEY_BYTES = 32

/**
 * The key that seals private signing keys at rest, the same on every process of an installation: derived from the cluster secret where there is one, else kept in
 * the data directory (mode 0600, made once). Without a disk it lives as long as the process, and so do the keys it seals.
 */
export async function encryptionKeyOf(settings: ServerSettings): Promise<Uint8Array> {
  const { clusterSecret, dataDirectory } = settings
  if (clusterSecret !== '')
    return new Uint8Array(hkdfSync('sha256', clusterSecret, '', 'soma encryption key', KEY_BYTES))
  if (dataDirectory === 'memory') return randomBytes(KEY_BYTES)
  const file = join(dataDirectory, 'encryption.key')
  await mkdir(dataDirectory, { recursive: true })
  await writeFile(file, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  return Buffer.from(await readFile(file, 'utf8'), 'hex')
}

/** Keeps the first admin's setup code where only the operator can read it; answers the place, which is logged. */
export function setupCodeWriter({ dataDirectory }: ServerSettings): ((code: string) => Promise<string>) | undefined {
  if (dataDirectory === 'memory') return undefined
  return async (code) => {
    const file = join(dataDirectory, 'setup-code')
    await mkdir(dataDirectory, { recursive: true })
    await writeFile(file, `${code}\n`, { mode: 0o600 })
    return file
  }
}
