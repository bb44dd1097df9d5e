import { principalDisabled, principalErased, roleBindingDeleted, roleDeleted } from '@soma/identity/contract'
import type { Group } from '../dispatch/group.ts'
import type { EventsPorts } from '../ports.ts'

/** As long as a verified credential is believed (IDN-R20): rights that end without a fact, such as by expiry. */
const BELIEVED_MS = 5_000
const MAXIMUM_ENTRIES = 10_000
const ENDS_RIGHTS: ReadonlySet<string> = new Set(
  [principalDisabled, principalErased, roleBindingDeleted, roleDeleted].map(({ type }) => type),
)

/** Whether the owners of pushed subscriptions may still subscribe: somebody else's server is called in their name. */
export interface Owners {
  /** @throws when it cannot be known now */
  mayPush(group: Group): Promise<boolean>
  close(): void
}

/** A yes of identity is believed until a fact of the tenant may have changed it. */
export function createOwners({ holds, reader }: Pick<EventsPorts, 'holds' | 'reader'>): Owners {
  const verdicts = new Map<string, { readonly tenantId: string; readonly holds: Promise<boolean>; untilMs: number }>()
  const stopHearing = reader.onAppend('system-events', (records) => {
    const changed = new Set(records.filter(({ type }) => ENDS_RIGHTS.has(type)).map(({ tenantId }) => tenantId))
    for (const [key, { tenantId }] of verdicts) if (changed.has(tenantId)) verdicts.delete(key)
  })
  return {
    mayPush: async ({ config: { tenantId, ownerId } }) => {
      if (holds === undefined) return true
      const key = `${tenantId}\0${ownerId}`
      const known = verdicts.get(key)
      if (known !== undefined && performance.now() < known.untilMs) return known.holds
      if (verdicts.size >= MAXIMUM_ENTRIES) verdicts.clear()
      const asked = holds({ tenantId, principalId: ownerId }, 'event:subscribe')
      verdicts.set(key, { tenantId, holds: asked, untilMs: performance.now() + BELIEVED_MS })
      const isHeld = await asked.catch(() => undefined)
      // Somebody may give the right back and resume.
      if (isHeld !== true) verdicts.delete(key)
      return asked
    },
    close: stopHearing,
  }
}
