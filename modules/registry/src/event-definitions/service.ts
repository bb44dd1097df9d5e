import { type Context, commonProblems, decodeCursor, type ModuleDatabase, toPage } from '@soma/kernel'
import type { EventDefinitionInput, EventDefinitionRecord } from '../../contract/event-definitions.ts'
import { createFindings } from '../findings.ts'
import { nearestNames } from '../nearest-names.ts'
import type { RegistryPorts } from '../ports.ts'
import { bundleDocuments } from '../schemas/bundles.ts'
import { checkDefinitions, checkTopic, inlineDocuments } from './check-definitions.ts'
import { toDefinitionRecord } from './definition-record.ts'
import { registerDefinitions } from './register-definitions.ts'
import { type DefinitionFilter, type DefinitionView, listDefinitions, selectTypes, selectVersionsOf } from './store.ts'

type ListQuery = { readonly [Name in (typeof FILTERS)[number]]?: string | undefined } & {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly actionable?: boolean
}

interface WantedDefinition {
  readonly topic: string
  readonly type: string
  readonly version?: string
  readonly schema?: string | undefined
}

export interface EventDefinitionService {
  create(context: Context, input: EventDefinitionInput): Promise<EventDefinitionRecord>
  list(context: Context, query: ListQuery): Promise<{ items: EventDefinitionRecord[]; nextCursor: string | null }>
  /** The latest active version; without one the highest. `schema` (`<name>@<version>`): among the versions whose data has that schema. */
  get(context: Context, wanted: WantedDefinition): Promise<EventDefinitionRecord>
}

export function createEventDefinitionService(deps: {
  database: ModuleDatabase
  ports: RegistryPorts
  reservedNouns: ReadonlySet<string>
}): EventDefinitionService {
  const { database, ports } = deps
  const get: EventDefinitionService['get'] = async (context, wanted) => {
    const findings = createFindings()
    checkTopic(wanted.topic, { pointer: '/params/topic', findings })
    findings.throwIfAny()
    const { rows, types } = await database.transaction(context, async (tx) => {
      const rows = await selectVersionsOf(tx, wanted.topic, wanted.type)
      return { rows, types: rows.length === 0 ? await selectTypes(tx) : [] }
    })
    const row = choose(rows, wanted)
    if (row === undefined) throw notFound(wanted, types)
    return toDefinitionRecord(row)
  }
  return {
    async create(context, input) {
      const findings = createFindings()
      const definitions = [{ ...input, pointer: '/body' }]
      const compiler = ports.schemaCompiler
      const bundles = await bundleDocuments(inlineDocuments(definitions), { database, context, findings })
      checkDefinitions(definitions, { compiler, reservedNouns: deps.reservedNouns, findings, bundles })
      findings.throwIfAny()
      await database.transaction(context, async (tx) => {
        await registerDefinitions(tx, context, { schemas: [], definitions, compiler, findings, bundles })
        findings.throwIfAny()
      })
      const { topic, type, version } = input
      return get(context, { topic, type, version })
    },
    async list(context, query) {
      const texts = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? null]))
      const filter = { ...texts, actionable: query.actionable ?? false } as unknown as DefinitionFilter
      const page = { after: decodeCursor(query.cursor, ['text', 'text', 'text', 'text']), limit: query.limit + 1 }
      const rows = await database.transaction(context, (tx) => listDefinitions(tx, filter, page))
      return toPage(rows, query.limit, { item: toDefinitionRecord, key: cursorOf })
    },
    get,
  }
}

const FILTERS = ['topic', 'type', 'kind', 'tag', 'status', 'visibility', 'producer', 'consumer', 'query'] as const

const cursorOf = (row: DefinitionView) => [row.type, row.topic, row.version_order, row.tenant_id]

/** Rows come with the own tenant first and versions falling; releases are preferred, pre-releases only answered when nothing else is there. */
function choose(rows: readonly DefinitionView[], { version, schema }: WantedDefinition): DefinitionView | undefined {
  const own = rows
    .filter((row) => row.tenant_id === rows[0]?.tenant_id)
    .filter((row) => schema === undefined || schema === `${row.schema_name}@${row.schema_version}`)
  if (version !== undefined) return own.find((row) => row.version === version)
  const active = own.filter((row) => row.status === 'active')
  return active.find((row) => !row.version.includes('-')) ?? active[0] ?? own[0]
}

function notFound(wanted: WantedDefinition, types: readonly { topic: string; type: string }[]) {
  const onTopic = types.filter((entry) => entry.topic === wanted.topic).map((entry) => entry.type)
  const elsewhere = types
    .filter((entry) => entry.type === wanted.type)
    .map((entry) => `${entry.type} on ${entry.topic}`)
  const nearest = [...elsewhere, ...nearestNames(wanted.type, [...new Set(onTopic)])].slice(0, 3)
  const hint = nearest.length === 0 ? '' : `; nearest: ${nearest.join(', ')}`
  const version = wanted.version ?? wanted.schema
  const what = version === undefined ? wanted.type : `${wanted.type} (${version})`
  return commonProblems.notFound.create(`no event ${what} on ${wanted.topic}${hint}`, { nearest })
}
