import { readFile } from 'node:fs/promises'
import { UsageError } from './failure.ts'
import { parseValue } from './read-value.ts'

/** The `server` part of `soma.yaml` in the current folder; nothing when there is no such file. @throws UsageError naming line and column of what cannot be read */
export async function readServerSettings(): Promise<Record<string, unknown>> {
  const text = await readFile('soma.yaml', 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new UsageError(`soma.yaml cannot be read (${error.code})`, { cause: error })
  })
  const document = text === '' ? {} : await parseValue(text, 'soma.yaml')
  return (document as { server?: Record<string, unknown> } | null)?.server ?? {}
}
