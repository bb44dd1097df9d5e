import type { Client, Context, LogReader, SchemaCompiler, SchemaValidator } from '@soma/kernel'
import { isProblem } from '@soma/kernel'
import type { registryContract } from '@soma/registry/contract'

/** What the registry knows of a type, compiled. */
export interface KnownDefinition {
  /** `dataschema` of its events. */
  readonly schemaId: string
  readonly validate: SchemaValidator
}

export type DefinitionAnswer =
  | { readonly definition: KnownDefinition; readonly nearest?: undefined }
  | { readonly definition?: undefined; readonly nearest: readonly string[] }

export interface Definitions {
  find(context: Context, topic: string, type: string): Promise<DefinitionAnswer>
  close(): void
}

/** Facts of the registry after which compiled validators are stale. */
const STALE_AFTER = /^(event\.(defined|deprecated|retired)|schema\.(registered|deprecated|retired))$/
/** Answers kept: each is a compiled validator or a refusal with names. */
const CACHE_SIZE = 10_000
/** A refusal is kept shortly only: the fact that ends it may be missed while the log is unreachable. */
const UNKNOWN_MS = 1000

interface Entry {
  readonly answer: Promise<DefinitionAnswer>
  expiresAt: number
}

/**
 * Compiled validators of (tenant, topic, type), made once per version and dropped when the registry says that something was defined (EVT-R6). Every process
 * hears these facts by its own reader of the log, so all of them drop together.
 */
export function createDefinitions(options: {
  registry: Client<typeof registryContract>
  compiler: SchemaCompiler
  reader: LogReader
}): Definitions {
  const cache = new Map<string, Entry>()
  const stop = options.reader.onAppend('system-events', (records) => {
    if (records.some(({ type }) => STALE_AFTER.test(type))) cache.clear()
  })
  return {
    find: (context, topic, type) => {
      const key = `${context.tenantId}\0${topic}\0${type}`
      const known = cache.get(key)
      if (known !== undefined && known.expiresAt > performance.now()) return known.answer
      const entry: Entry = { answer: look(context, topic, type, options), expiresAt: Number.POSITIVE_INFINITY }
      if (cache.size >= CACHE_SIZE) cache.clear()
      cache.set(key, entry)
      entry.answer.then(
        ({ definition }) => {
          if (definition === undefined) entry.expiresAt = performance.now() + UNKNOWN_MS
        },
        () => {
          if (cache.get(key) === entry) cache.delete(key)
        },
      )
      return entry.answer
    },
    close: stop,
  }
}

async function look(
  context: Context,
  topic: string,
  type: string,
  { registry, compiler }: { registry: Client<typeof registryContract>; compiler: SchemaCompiler },
): Promise<DefinitionAnswer> {
  try {
    const found = await registry.events.get(context, { params: { topic, type } })
    const compiled = compiler.compile(found.jsonSchema as never)
    if (compiled.issues !== undefined)
      throw new Error(`the registered schema ${found.schema.name}@${found.schema.version} does not compile`)
    const schemaId = `/v1/registry/schemas/${found.schema.name}/versions/${found.schema.version}`
    return { definition: { schemaId, validate: compiled.validate } }
  } catch (error) {
    if (!isProblem(error) || error.code !== 'not-found') throw error
    const nearest = error.extensions.nearest
    return { nearest: Array.isArray(nearest) ? nearest.map(String) : [] }
  }
}
