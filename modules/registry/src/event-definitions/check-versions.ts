import type { Context, SchemaCompiler, Transaction } from '@soma/kernel'
import { type ChangeLevel, compareEvents, type EventPromise } from '../../contract/compatibility.ts'
import { addressOf } from '../../contract/schema-reference.ts'
import type { SchemaSource } from '../../contract/words.ts'
import { checkVersion } from '../compatibility/check-version.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import type { Findings } from '../findings.ts'
import type { Bundles } from '../schemas/bundles.ts'
import { fullSchema, lockNames, selectVersions } from '../schemas/store.ts'
import type { PlacedDefinition } from './check-definitions.ts'
import { type PromiseRow, selectPromises } from './store.ts'

export const placeOf = (place: { topic: string; type: string; version: string }): string =>
  `${place.topic}/${place.type}@${place.version}`

/** Holds each new definition against the versions of its type; answers the level of each against the release below it. */
export async function checkDefinitionVersions(
  tx: Transaction,
  context: Context,
  input: {
    definitions: readonly PlacedDefinition[]
    compiler: SchemaCompiler
    findings: Findings
    bundles: Bundles
  },
): Promise<ReadonlyMap<string, ChangeLevel>> {
  await lockNames(
    tx,
    input.definitions.map(({ topic, type }) => `${topic}/${type}`),
  )
  const stored = (await selectPromises(tx, input.definitions)).filter((row) => row.tenant_id === context.tenantId)
  const coming = await promisesOf(tx, input)
  const isSameType = (left: EventPromise) => (right: EventPromise) =>
    left.topic === right.topic && left.type === right.type
  return new Map(
    coming.map((promise, index) => {
      const level = checkVersion<EventPromise>(promise, {
        what: `event ${promise.type} on ${promise.topic}`,
        pointerOf: (place) => pointerIn(input.definitions[index] as PlacedDefinition, place),
        stored: stored.map(toPromise).filter(isSameType(promise)),
        coming: coming.filter(isSameType(promise)),
        compare: (before, after) => compareWithExamples(before, after, input.compiler),
        findings: input.findings,
      })
      return [placeOf(promise), level]
    }),
  )
}

/** Inline schemas stand one step deeper in the request than in the definition. */
const pointerIn = ({ pointer, schema }: PlacedDefinition, place: string): string =>
  'jsonSchema' in schema ? `${pointer}${place.replace(/^\/(schema|responseSchema)(?=\/)/, '/$1/jsonSchema')}` : pointer

/** Counterexamples are documents of the data; changes of the reply have none. */
function compareWithExamples(before: EventPromise, after: EventPromise, compiler: SchemaCompiler) {
  const report = compareEvents(before, after)
  const inSchema = report.changes.map((change) => ({
    ...change,
    pointer: change.pointer.replace(/^\/schema(?=\/|$)/, ''),
  }))
  const schemas = { before: before.jsonSchema, after: after.jsonSchema }
  const explained = withCounterexamples({ ...report, changes: inSchema }, schemas, compiler).changes
  return {
    ...report,
    changes: report.changes.map((change, index) =>
      change.pointer.startsWith('/schema') ? { ...explained[index], ...change } : change,
    ),
  }
}

export const toPromise = (row: PromiseRow): EventPromise => ({
  topic: row.topic,
  type: row.type,
  version: row.version,
  kind: row.kind,
  jsonSchema: row.json_schema,
  responseType: row.response_type ?? undefined,
  responseTopic: row.response_topic ?? undefined,
  responseSchema:
    row.response_bundled === null ? (row.response_schema ?? undefined) : { jsonSchema: row.response_bundled },
})

const bundled = (source: SchemaSource | undefined, bundles: Bundles): SchemaSource | undefined =>
  source !== undefined && 'jsonSchema' in source
    ? { jsonSchema: bundles(source.jsonSchema) as typeof source.jsonSchema }
    : source

/** Definitions with their schemas in full; those named by reference are registered by now, or a finding says that they are not. */
async function promisesOf(
  tx: Transaction,
  { definitions, bundles }: { definitions: readonly PlacedDefinition[]; bundles: Bundles },
): Promise<EventPromise[]> {
  const references = definitions.flatMap(({ schema }) => ('jsonSchema' in schema ? [] : [schema]))
  const rows = references.length === 0 ? [] : await selectVersions(tx, references)
  return definitions.map((definition) => {
    const { topic, type, version, kind, schema, responseType, responseTopic } = definition
    const row = 'jsonSchema' in schema ? undefined : rows.find((one) => addressOf(one) === addressOf(schema))
    const jsonSchema = 'jsonSchema' in schema ? bundles(schema.jsonSchema) : row === undefined ? true : fullSchema(row)
    const responseSchema = bundled(definition.responseSchema, bundles)
    return { topic, type, version, kind, jsonSchema, responseType, responseTopic, responseSchema }
  })
}
