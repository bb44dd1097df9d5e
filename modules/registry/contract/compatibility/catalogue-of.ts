import type { EventDefinition, JsonSchema } from '@soma/kernel'
import * as z from 'zod'
import type { Catalogue } from './compare-catalogues.ts'

/** The data of a contract's event as JSON Schema. */
export function jsonSchemaOf(event: EventDefinition): JsonSchema {
  const { $schema: _dialect, ...jsonSchema } = z.toJSONSchema(event.data, { io: 'output', unrepresentable: 'any' })
  return jsonSchema
}

/** By its name: work that is asked for ends in `.requested`. */
export const kindOfType = (type: string): 'request' | 'fact' => (type.endsWith('.requested') ? 'request' : 'fact')

/** What the events of contracts promise, in the order of their names. */
export const catalogueOf = (events: readonly EventDefinition[]): Catalogue => ({
  events: events
    .map((event) => ({
      topic: event.topic,
      type: event.type,
      version: event.version,
      kind: kindOfType(event.type),
      jsonSchema: jsonSchemaOf(event),
    }))
    .toSorted((left, right) => (`${left.topic} ${left.type}` < `${right.topic} ${right.type}` ? -1 : 1)),
  schemas: [],
})
