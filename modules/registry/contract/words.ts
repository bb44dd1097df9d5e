import * as z from 'zod'
import { CHANGE_LEVELS, SCHEMA_CHANGES, type SchemaChangeName } from './compatibility/changes.ts'

/** Name of an agent or a capability. */
export const registryName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,127}$/,
    'lower-case letters, digits, dot, underscore or hyphen; at most 128 characters',
  )

/** An agent by its name, or one version of it: `<name>@<version>`. */
export const agentSelector = z
  .string()
  .max(193)
  .refine((text) => {
    const [name, version, ...more] = text.split('@')
    const isVersion = version === undefined || semver.safeParse(version).success
    return registryName.safeParse(name).success && isVersion && more.length === 0
  }, 'a name such as hello-worker, or one version of it: hello-worker@1.0.0')

/** Type of an event: at least two segments joined by dots. */
export const eventType = z
  .string()
  .max(255)
  .regex(/^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/, 'at least two segments of a–z, 0–9 and hyphen, joined by dots')

/** SemVer 2.0.0 without build metadata. */
export const semver = z
  .string()
  .max(64)
  .regex(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/, 'a semantic version such as 1.0.0')

/** A topic by name. Whether it exists is checked by the operation, which answers `unknown-topic` for all that do not. */
export const topicName = z.string().min(1).max(64)

/** An event on a topic. Without a range the major version that is current at registration is meant. */
export const eventRef = z.strictObject({
  topic: topicName,
  type: eventType,
  range: z.string().min(1).max(64).optional(),
})
export type EventRef = z.infer<typeof eventRef>

export const tags = z.array(z.string().min(1).max(64)).max(20)
export const sideEffects = z.enum(['none', 'reversible', 'irreversible'])

/** A JSON Schema 2020-12 document, at most 128 KiB. */
export const jsonSchemaDocument = z.union([z.boolean(), z.record(z.string(), z.unknown())])
export const schemaReference = z.strictObject({ name: z.string().min(1).max(255), version: semver })
/** A registered schema by name and version, or the document itself. */
export const schemaSource = z.union([schemaReference, z.strictObject({ jsonSchema: jsonSchemaDocument })])
export type SchemaSource = z.infer<typeof schemaSource>

export const time = z.iso.datetime({ offset: true })

export const dataKind = z.enum(['request', 'reply', 'fact'])
export const changeLevel = z.enum(CHANGE_LEVELS)

/** What a new schema changes, and how high its version must be therefore. */
export const schemaReport = z.strictObject({
  level: changeLevel,
  changes: z.array(
    z.strictObject({
      /** Where in the schema: JSON pointer. */
      pointer: z.string(),
      change: z.enum(Object.keys(SCHEMA_CHANGES) as [SchemaChangeName, ...SchemaChangeName[]]),
      level: changeLevel,
      why: z.string(),
      /** A document that the old schema accepts and the new one refuses. */
      counterexample: z.unknown().optional(),
    }),
  ),
})
