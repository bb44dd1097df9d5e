import { hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
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
  const made = await mkdir(dataDirectory, { recursive: true })
  if (!existsSync(file)) await makeKey(file, made ?? resolve(file))
  return Buffer.from(await readFile(file, 'utf8'), 'hex')
}

/** A link appears with its content at once, so nobody reads half a key; synced, because what it seals on the disk or on a bus is lost without it. */
async function makeKey(file: string, firstMade: string): Promise<void> {
  const own = `${file}.${randomUUID()}`
  await writeFile(own, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flush: true })
  try {
    await link(own, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(own)
  }
  for (let made = resolve(file); made.length >= firstMade.length; made = dirname(made)) {
    const directory = await open(dirname(made))
    await directory.sync().finally(() => directory.close())
  }
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
