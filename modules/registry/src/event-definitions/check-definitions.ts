import { isTopic, MODULE_TOPICS, type SchemaCompiler, type SchemaValidator, TENANT_TOPICS, TOPICS } from '@soma/kernel'
import type { EventDefinitionInput } from '../../contract/event-definitions.ts'
import type { Findings } from '../findings.ts'
import { nearestNames } from '../nearest-names.ts'
import type { Bundles, PlacedDocument } from '../schemas/bundles.ts'
import { checkSchema } from '../schemas/register-schemas.ts'

/** A definition on its way in, with the place in the request where it stands. */
export interface PlacedDefinition extends EventDefinitionInput {
  readonly pointer: string
}

/** The schemas that stand in definitions themselves; those of data are registered under the type. */
export const inlineDocuments = (definitions: readonly PlacedDefinition[]): PlacedDocument[] =>
  definitions.flatMap(({ pointer, type, version, schema, responseSchema }) => [
    ...('jsonSchema' in schema ? [{ ...schema, name: type, version, pointer: `${pointer}/schema/jsonSchema` }] : []),
    ...(responseSchema !== undefined && 'jsonSchema' in responseSchema
      ? [{ ...responseSchema, pointer: `${pointer}/responseSchema/jsonSchema` }]
      : []),
  ])

/** A topic that does not exist becomes a finding that names the nearest one. */
export function checkTopic(topic: string, at: { pointer: string; findings: Findings }): void {
  if (isTopic(topic)) return
  const [nearest] = nearestNames(topic, TOPICS, 1)
  at.findings.add('unknown-topic', {
    pointer: at.pointer,
    detail: `no topic "${topic}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
  })
}

/** What can be said about definitions without the database: topics, reserved nouns, inline schemas and their examples. */
export function checkDefinitions(
  definitions: readonly PlacedDefinition[],
  deps: { compiler: SchemaCompiler; reservedNouns: ReadonlySet<string>; findings: Findings; bundles: Bundles },
): void {
  const { findings, bundles } = deps
  for (const definition of definitions) {
    checkPlace(definition, deps)
    if ('jsonSchema' in definition.schema) {
      const at = { pointer: `${definition.pointer}/schema/jsonSchema`, findings, bundles }
      checkExamples(definition, checkSchema(deps.compiler, definition.schema.jsonSchema, at), findings)
    }
    if (definition.responseSchema !== undefined && 'jsonSchema' in definition.responseSchema) {
      const at = { pointer: `${definition.pointer}/responseSchema/jsonSchema`, findings, bundles }
      checkSchema(deps.compiler, definition.responseSchema.jsonSchema, at)
    }
  }
}

function checkPlace(
  definition: PlacedDefinition,
  deps: { reservedNouns: ReadonlySet<string>; findings: Findings },
): void {
  const { findings, reservedNouns } = deps
  checkTopic(definition.topic, { pointer: `${definition.pointer}/topic`, findings })
  if (definition.responseTopic !== undefined) {
    checkTopic(definition.responseTopic, { pointer: `${definition.pointer}/responseTopic`, findings })
  }
  const noun = definition.type.slice(0, definition.type.indexOf('.'))
  if (reservedNouns.has(noun)) {
    findings.add('type-reserved', {
      pointer: `${definition.pointer}/type`,
      detail: `"${definition.type}": the noun "${noun}" belongs to the platform`,
    })
  }
  if ((MODULE_TOPICS as readonly string[]).includes(definition.topic)) {
    findings.add('type-reserved', {
      pointer: `${definition.pointer}/topic`,
      detail: `only modules write to "${definition.topic}"; types may be defined on ${TENANT_TOPICS.join(', ')}`,
    })
  }
}

export function checkExamples(
  definition: PlacedDefinition,
  validate: SchemaValidator | undefined,
  findings: Findings,
): void {
  if (validate === undefined) return
  definition.examples.forEach((example, index) => {
    for (const issue of validate(example)) {
      findings.add('schema-invalid', { ...issue, pointer: `${definition.pointer}/examples/${index}${issue.pointer}` })
    }
  })
}
