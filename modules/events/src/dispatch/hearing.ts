import { principalDisabled, principalErased } from '@soma/identity/contract'
import { type Logger, type LogReader, type LogRecord, toUuid } from '@soma/kernel'
import { agentInstanceStopped } from '@soma/registry/contract'
import {
  subscriptionChanged,
  subscriptionDeleted,
  subscriptionGapRecorded,
  subscriptionResumed,
  subscriptionSuspended,
} from '../../contract/facts.ts'
import { eventIn } from '../log/event-filter.ts'
import type { Dismissed } from './dismissing.ts'

type Follow = (subscriptionId: string) => Promise<void>

/** Every process hears of changes of subscriptions by its own reader of the log, whichever of them carried them out. Answers a function that ends it. */
export function hearChanges(
  { reader, log }: { reader: LogReader; log: Logger },
  /** `gapped`: retention moved it over events that it had not passed. */
  {
    changed,
    removed,
    gapped,
    dismissed,
  }: { changed: Follow; removed: Follow; gapped: Follow; dismissed: (who: Dismissed) => void },
): () => void {
  const follow: Readonly<Record<string, Follow | undefined>> = {
    [subscriptionChanged.type]: changed,
    [subscriptionSuspended.type]: changed,
    [subscriptionResumed.type]: changed,
    [subscriptionDeleted.type]: removed,
    [subscriptionGapRecorded.type]: gapped,
  }
  return reader.onAppend('system-events', (records) => {
    for (const record of records) {
      // No other program says what becomes of a subscription or a principal.
      if (record.isForeign === true) continue
      const who = dismissedBy(record)
      if (who !== undefined) dismissed(who)
      const act = follow[record.type]
      if (act === undefined) continue
      const { subscriptionId } = (eventIn(record)?.data ?? {}) as { subscriptionId?: string }
      const id = toUuid('sub', subscriptionId ?? '')
      if (id === undefined) continue
      act(id).catch((error: unknown) => log.warn('a changed subscription cannot be read', { subscriptionId, error }))
    }
  })
}

/** Whose deliveries are free now, by a fact of identity or the registry. */
function dismissedBy(record: LogRecord): Dismissed | undefined {
  const { type, tenantId } = record
  if (type === principalDisabled.type || type === principalErased.type) {
    const { principalId } = (eventIn(record)?.data ?? {}) as { principalId?: string }
    return principalId === undefined ? undefined : { tenantId, principalId }
  }
  if (type !== agentInstanceStopped.type) return undefined
  const { instanceId, reason } = (eventIn(record)?.data ?? {}) as { instanceId?: string; reason?: string }
  return instanceId === undefined || reason !== 'expired' ? undefined : { tenantId, agentInstanceId: instanceId }
}
