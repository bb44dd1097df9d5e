import type { IssuedKey } from '@soma/identity/contract'
import { UsageError } from '../failure.ts'
import { withoutUndefined } from '@soma/kernel'
import type { Handling } from '../session.ts'

interface KeyFlags {
  readonly name: string
  readonly scopes: string[]
  readonly principal?: string
  readonly expiresInDays?: number
}

const DAY_MS = 86_400_000

/** Makes a key. As a table stdout is the secret alone, so that a script can take it: `KEY=$(soma keys create …)`. */
export async function createKey({ session, flags }: Handling<KeyFlags>): Promise<void> {
  const { printer } = session
  if (printer.format === 'id') throw new UsageError('--output id would lose the secret, which is shown this once')
  const { clients } = await session.connect()
  const { name, scopes, principal: principalId, expiresInDays } = flags
  const expiresAt =
    expiresInDays === undefined ? undefined : new Date(Date.now() + expiresInDays * DAY_MS).toISOString()
  const key = await clients.identity.keys.create({
    body: { name, scopes, ...withoutUndefined({ principalId, expiresAt }) },
  })
  if (printer.format === 'table') printSecret(key, session)
  else await printer.result(key, { rows: () => [], columns: [], ids: () => [] })
}

function printSecret(key: IssuedKey, { printer }: Handling<object>['session']): void {
  printer.raw(`${key.secret}\n`)
  printer.note(`${key.keyId} of ${key.principalId} for ${key.scopes.join(', ')}, until ${key.expiresAt}`)
  printer.note('the secret is shown this once: keep it where your secrets are kept')
}
