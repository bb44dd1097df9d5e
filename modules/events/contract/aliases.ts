import { isTopic, TOPICS, type Topic } from '@soma/kernel'

/** A seed name of a topic: publishing goes to its topics' first, reading adds its filter (EVT-R4). */
export interface TopicAlias {
  readonly name: string
  /** The first is where publishing goes. */
  readonly topics: readonly Topic[]
  /** What reading by the alias sees; empty = every type. */
  readonly types: readonly string[]
  readonly exceptTypes: readonly string[]
  readonly source?: string
  /** On dead-letter: the topics whose dead letters it reads (`data.topic`). */
  readonly dataTopics?: readonly Topic[]
}

const alias = (name: string, topics: readonly Topic[], filter: Partial<TopicAlias> = {}): TopicAlias => ({
  name,
  topics,
  types: [],
  exceptTypes: [],
  ...filter,
})

export const TOPIC_ALIASES: readonly TopicAlias[] = [
  alias('tool.requests', ['action-requests'], { types: ['tool.*'] }),
  alias('somastack.delegation', ['action-requests'], { types: ['task.*'] }),
  alias('tool.results', ['action-results'], { source: 'tools' }),
  alias('business-events', ['business-facts']),
  alias('config_updates', ['system-events'], { types: ['settings.*'] }),
  alias('settings.changed', ['system-events'], { types: ['settings.*'] }),
  alias('mode.changed', ['system-events'], { types: ['mode.changed'] }),
  alias('constitution.updated', ['system-events'], { types: ['constitution.updated'] }),
  alias('agent.events', ['system-events'], { types: ['agent.*'] }),
  alias('persona.switch', ['system-events'], { types: ['persona.switched'] }),
  alias('training.audit', ['system-events'], { types: ['training.*'] }),
  alias('metrics.generic', ['system-events'], { types: ['metric.*'] }),
  alias('audio.metrics', ['system-events'], { types: ['metric.*'] }),
  alias('llm.escalation.metrics', ['system-events'], { types: ['metric.*'] }),
  alias('project.events', ['plan-events', 'task-events']),
  alias('tool.events', ['task-events'], { types: ['tool.*'] }),
  alias('tool.metrics', ['task-events'], { types: ['tool.*'] }),
  alias('ui.notifications', ['notification-events']),
  alias('notifications.events', ['notification-events']),
  alias('slm.metrics', ['billing-events'], { types: ['usage.*'] }),
  alias('budget.events', ['billing-events'], { types: ['budget.*'] }),
  alias('conversation.inbound', ['conversation'], { types: ['message.received'] }),
  alias('conversation.outbound', ['conversation'], { exceptTypes: ['message.received'] }),
  alias('conversation.events', ['conversation'], { types: ['interaction.*'] }),
  alias('memory.wal', ['memory']),
  alias('gateway.audit', ['audit'], { types: ['request.*'] }),
  alias('agent.audit', ['audit'], { types: ['agent.*'] }),
  alias('memory.wal.dlq', ['dead-letter'], { dataTopics: ['memory'] }),
]

const byName = new Map(TOPIC_ALIASES.map((entry) => [entry.name, entry]))

/** What a name reads: a topic itself, or an alias with its filter; `<name>.dlq` reads the dead letters of that name. Undefined = no such topic. */
export function resolveTopic(name: string): TopicAlias | undefined {
  if (isTopic(name)) return alias(name, [name])
  const known = byName.get(name)
  if (known !== undefined) return known
  const origin = name.endsWith('.dlq') ? resolveTopic(name.slice(0, -'.dlq'.length)) : undefined
  return origin === undefined ? undefined : alias(name, ['dead-letter'], { dataTopics: origin.topics })
}

/** All names a topic can be called by, for a did-you-mean. */
export const TOPIC_NAMES: readonly string[] = [...TOPICS, ...byName.keys()]
