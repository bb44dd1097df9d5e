import type { Topic } from '@soma/kernel'
import type { Discovered, EventDefinitionInput, FoundItem } from '@soma/registry/contract'

type FoundEvent = Extract<FoundItem, { kind: 'event' }>

export const wordsOf = (text: string): string[] => [
  ...new Set((text.toLowerCase().match(/\p{L}+/gu) ?? []).map((word) => word.replace(/(?:ions?|ed|es|e|s)$/, ''))),
]

const schemaOf = ({ schema }: EventDefinitionInput): Record<string, unknown> => {
  const document = 'jsonSchema' in schema ? schema.jsonSchema : true
  return typeof document === 'object' ? document : {}
}

/** The words by which an event is found. */
export const textOf = (definition: EventDefinitionInput): string =>
  [definition.type, definition.description, ...Object.keys(schemaOf(definition).properties ?? {})].join(' ')

export function foundOf(
  definition: EventDefinitionInput,
  { score, consumers }: { score: number; consumers: string[] },
): FoundEvent {
  const { topic, type, version, description, responseType, responseTopic } = definition
  const parameters = schemaOf(definition)
  return {
    kind: 'event',
    name: type,
    topic: topic as Topic,
    type,
    version,
    description,
    requiredFields: (parameters.required as string[] | undefined) ?? [],
    parameters: parameters as FoundEvent['parameters'],
    ...(responseType === undefined
      ? {}
      : { reply: { type: responseType, topic: (responseTopic ?? 'action-results') as Topic } }),
    sideEffects: definition.sideEffects,
    consumers,
    ownerId: 'test',
    suspicious: false,
    score,
    scoreParts: { lexical: score },
  }
}

/** The shape that models take; texts are not cleaned here, because tests write them. */
export const llmOf = (events: readonly FoundEvent[]): NonNullable<Discovered['llm']> => ({
  text: events
    .map(({ type, description, parameters }) => `${type}: ${description} ${JSON.stringify(parameters)}`)
    .join('\n'),
  tools: events.map(({ type, description, parameters }) => ({
    type: 'function',
    function: { name: toolOf(type), description, parameters },
  })),
  names: Object.fromEntries(events.map(({ type, topic, version }) => [toolOf(type), { topic, type, version }])),
})

const toolOf = (type: string): string => type.replaceAll('.', '__')
