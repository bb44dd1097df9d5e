import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isAlive } from '../connection.ts'
import type { Finding } from './finding.ts'

const MEBIBYTE = 1024 * 1024
/** Below this a commit may fail: the embedded log writes ahead in files of 16 MiB. */
const TOO_LITTLE_BYTES = 200 * MEBIBYTE
const LITTLE_BYTES = 1024 * MEBIBYTE

/** Whether the data directory can be written, has space, is private and is not held by a process that is gone. */
export async function checkDataDirectory(directory: string): Promise<Finding[]> {
  if (directory === 'memory') return []
  const existing = await nearestExisting(resolve(directory))
  const findings = [await checkWritable(existing, directory), await checkSpace(existing)]
  return [...findings, ...(await checkLock(directory)), ...(await checkPrivacy(directory))]
}

async function nearestExisting(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || dirname(path) === path ? path : nearestExisting(dirname(path))
}

async function checkWritable(existing: string, directory: string): Promise<Finding> {
  const found = existing === resolve(directory) ? `${directory} can be written` : `${directory} will be made`
  try {
    await access(existing, constants.W_OK | constants.X_OK)
    return { check: 'data directory', state: 'ok', found }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy = `make it yours (chown, chmod u+rwx) or choose another with --data`
    return { check: 'data directory', state: 'fail', found: `${existing} cannot be written (${code})`, remedy }
  }
}

async function checkSpace(existing: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(existing)
  const free = bavail * bsize
  const found = `${Math.floor(free / MEBIBYTE)} MiB free`
  if (free >= LITTLE_BYTES) return { check: 'space', state: 'ok', found }
  const remedy = 'free some space, or choose a data directory on another disk with --data'
  return { check: 'space', state: free < TOO_LITTLE_BYTES ? 'fail' : 'warn', found, remedy }
}

/** The lock of the embedded database names the process that holds it. */
async function checkLock(directory: string): Promise<Finding[]> {
  const path = join(directory, 'database.lock')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return [{ check: 'lock', state: 'ok', found: 'nobody holds the data' }]
  const pid = pidIn(text)
  if (pid !== undefined && isAlive(pid)) return [{ check: 'lock', state: 'ok', found: `process ${pid} holds the data` }]
  const holder = pid === undefined ? 'it names no process' : `process ${pid} is gone`
  const remedy = `the next start takes it over; to be rid of it now, delete ${path}`
  return [{ check: 'lock', state: 'warn', found: `stale lock: ${holder}`, remedy }]
}

function pidIn(text: string): number | undefined {
  try {
    const { pid } = JSON.parse(text) as { pid?: unknown }
    return typeof pid === 'number' ? pid : undefined
  } catch {
    return undefined
  }
}

/** `server.json` may hold a token, so others of this machine must not read it. */
async function checkPrivacy(directory: string): Promise<Finding[]> {
  const path = join(directory, 'server.json')
  const mode = await stat(path).then(
    (file) => file.mode,
    () => undefined,
  )
  if (mode === undefined || process.platform === 'win32') return []
  if ((mode & 0o077) === 0) return [{ check: 'privacy', state: 'ok', found: `${path} is yours alone` }]
  const found = `${path} has mode ${(mode & 0o777).toString(8)}`
  return [{ check: 'privacy', state: 'fail', found, remedy: `chmod 600 ${path}` }]
}
