import type { LogReader, Topic } from '@soma/kernel'
import { topicChanged } from '../../contract/facts.ts'
import type { EventsPorts } from '../ports.ts'
import { listTopicSettings, type TopicSettingsRow } from './store.ts'

export interface TopicLimit {
  readonly retentionMs: number
  readonly maxEventBytes: number
}

export interface TopicLimits {
  of(topic: Topic): Promise<TopicLimit>
  /** What a row means: a null is as configured. */
  effective(topic: Topic, row: TopicSettingsRow | undefined): TopicLimit
  /** The next reader looks again. */
  forget(): void
  close(): void
}

export interface ConfiguredLimits {
  readonly retentionMs: Readonly<Record<Topic, number>>
  readonly maxEventBytes: number
}

/** Limits of topics as an operator set them, read once and again when any process says that they changed. */
export function createTopicLimits(
  options: Pick<EventsPorts, 'busTransaction'> & { reader: LogReader; configured: ConfiguredLimits },
): TopicLimits {
  let known: Promise<ReadonlyMap<string, TopicSettingsRow>> | undefined
  const load = () => {
    const loading = options
      .busTransaction(listTopicSettings)
      .then((rows) => new Map(rows.map((row) => [row.topic, row])))
    loading.catch(() => {
      if (known === loading) known = undefined
    })
    return loading
  }
  const forget = () => {
    known = undefined
  }
  const effective: TopicLimits['effective'] = (topic, row) => ({
    retentionMs: row?.retention_ms ?? options.configured.retentionMs[topic],
    maxEventBytes: row?.max_event_bytes ?? options.configured.maxEventBytes,
  })
  return {
    of: async (topic) => {
      known ??= load()
      return effective(topic, (await known).get(topic))
    },
    effective,
    forget,
    close: options.reader.onAppend('system-events', (records) => {
      if (records.some(({ type }) => type === topicChanged.type)) forget()
    }),
  }
}
