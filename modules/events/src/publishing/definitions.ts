import type { Client, Context, LogReader, SchemaCompiler, SchemaValidator } from '@soma/kernel'
import { isProblem, readSchemaUri, schemaUri } from '@soma/kernel'
import type { registryContract } from '@soma/registry/contract'

/** A schema of the registry, compiled. */
export interface KnownSchema {
  /** As `dataschema` of events names it. */
  readonly schemaId: string
  readonly validate: SchemaValidator
}

/** What the registry knows of a type: the version whose schema `dataschema` names, else the latest active one. */
export interface KnownDefinition extends KnownSchema {
  readonly version: string
  readonly kind: 'request' | 'reply' | 'fact'
  readonly status: 'draft' | 'active' | 'deprecated' | 'retired'
  readonly replacedBy?: string | undefined
  readonly sunsetAt?: string | undefined
}

export type DefinitionAnswer =
  | { readonly definition: KnownDefinition; readonly nearest?: undefined }
  | { readonly definition?: undefined; readonly nearest: readonly string[] }

interface TypeVersion {
  readonly topic: string
  readonly type: string
  /** `dataschema` of the event. One that names no schema of the registry is the producer's own and says nothing here. */
  readonly dataSchema?: string | undefined
}

export interface Definitions {
  find(context: Context, wanted: TypeVersion): Promise<DefinitionAnswer>
  /** The registered schema that a `dataschema` or `responseschema` names. */
  findSchema(context: Context, schemaId: string): Promise<KnownSchema | undefined>
  close(): void
}

/** Facts of the registry after which compiled validators are stale. */
const STALE_AFTER = /^(event\.(defined|deprecated|retired)|schema\.(registered|deprecated|retired))$/
/** Answers kept: each is a compiled validator or a refusal with names. */
const CACHE_SIZE = 10_000
/** A refusal is kept shortly only: the fact that ends it may be missed while the log is unreachable. */
const UNKNOWN_MS = 1000

/**
 * Compiled validators of (tenant, topic, type, version), made once per version and dropped when the registry says that something was defined (EVT-R6). Every
 * process hears these facts by its own reader of the log, so all of them drop together.
 */
export function createDefinitions(options: {
  registry: Client<typeof registryContract>
  compiler: SchemaCompiler
  reader: LogReader
}): Definitions {
  const definitions = createCache<DefinitionAnswer>(({ definition }) => definition !== undefined)
  const schemas = createCache<KnownSchema | undefined>((schema) => schema !== undefined)
  const stop = options.reader.onAppend('system-events', (records) => {
    if (!records.some(({ type }) => STALE_AFTER.test(type))) return
    definitions.clear()
    schemas.clear()
  })
  return {
    find: (context, wanted) => {
      const { topic, type, dataSchema } = wanted
      const key = [context.tenantId, topic, type, readSchemaUri(dataSchema) === undefined ? '' : dataSchema].join('\0')
      return definitions.get(key, () => look(context, wanted, options))
    },
    findSchema: (context, schemaId) =>
      schemas.get(`${context.tenantId}\0${schemaId}`, () => lookForSchema(context, schemaId, options)),
    close: stop,
  }
}

function createCache<Answer>(isKnown: (answer: Answer) => boolean) {
  const entries = new Map<string, { readonly answer: Promise<Answer>; expiresAt: number }>()
  return {
    clear: () => entries.clear(),
    get: (key: string, find: () => Promise<Answer>): Promise<Answer> => {
      const known = entries.get(key)
      if (known !== undefined && known.expiresAt > performance.now()) return known.answer
      const entry = { answer: find(), expiresAt: Number.POSITIVE_INFINITY }
      if (entries.size >= CACHE_SIZE) entries.clear()
      entries.set(key, entry)
      entry.answer.then(
        (answer) => {
          if (!isKnown(answer)) entry.expiresAt = performance.now() + UNKNOWN_MS
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key)
        },
      )
      return entry.answer
    },
  }
}

type Sources = { registry: Client<typeof registryContract>; compiler: SchemaCompiler }

async function look(
  context: Context,
  { topic, type, dataSchema }: TypeVersion,
  { registry, compiler }: Sources,
): Promise<DefinitionAnswer> {
  const reference = readSchemaUri(dataSchema)
  const query = reference === undefined ? {} : { schema: `${reference.name}@${reference.version}` }
  try {
    const found = await registry.events.get(context, { params: { topic, type }, query })
    const { version, kind, status, replacedBy, sunsetAt, schema } = found
    const known = compile({ ...schema, jsonSchema: found.bundled ?? found.jsonSchema }, compiler)
    return { definition: { ...known, version, kind, status, replacedBy, sunsetAt } }
  } catch (error) {
    if (!isProblem(error) || error.code !== 'not-found') throw error
    const nearest = error.extensions.nearest
    return { nearest: Array.isArray(nearest) ? nearest.map(String) : [] }
  }
}

async function lookForSchema(
  context: Context,
  schemaId: string,
  { registry, compiler }: Sources,
): Promise<KnownSchema | undefined> {
  const params = readSchemaUri(schemaId)
  if (params === undefined) return undefined
  try {
    const found = await registry.schemas.getVersion(context, { params })
    return compile({ ...found, jsonSchema: found.bundled ?? found.jsonSchema }, compiler)
  } catch (error) {
    // A name or version that the registry's own rules refuse is of no schema either.
    if (isProblem(error) && (error.code === 'not-found' || error.code === 'invalid-request')) return undefined
    throw error
  }
}

function compile(
  { name, version, jsonSchema }: { name: string; version: string; jsonSchema: unknown },
  compiler: SchemaCompiler,
): KnownSchema {
  const compiled = compiler.compile(jsonSchema as never)
  if (compiled.issues !== undefined) throw new Error(`the registered schema ${name}@${version} does not compile`)
  return { schemaId: schemaUri(name, version), validate: compiled.validate }
}
