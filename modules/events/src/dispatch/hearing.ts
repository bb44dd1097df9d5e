import { type Logger, type LogReader, toUuid } from '@soma/kernel'
import {
  subscriptionChanged,
  subscriptionDeleted,
  subscriptionGapRecorded,
  subscriptionResumed,
  subscriptionSuspended,
} from '../../contract/facts.ts'
import { eventIn } from '../log/event-filter.ts'

type Follow = (subscriptionId: string) => Promise<void>

/** Every process hears of changes of subscriptions by its own reader of the log, whichever of them carried them out. Answers a function that ends it. */
export function hearChanges(
  { reader, log }: { reader: LogReader; log: Logger },
  /** `gapped`: retention moved it over events that it had not passed. */
  { changed, removed, gapped }: { changed: Follow; removed: Follow; gapped: Follow },
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
      const act = follow[record.type]
      // No other program says what becomes of a subscription.
      if (act === undefined || record.isForeign === true) continue
      const { subscriptionId } = (eventIn(record)?.data ?? {}) as { subscriptionId?: string }
      const id = toUuid('sub', subscriptionId ?? '')
      if (id === undefined) continue
      act(id).catch((error: unknown) => log.warn('a changed subscription cannot be read', { subscriptionId, error }))
    }
  })
}
