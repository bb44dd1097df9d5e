import type { eventsContract } from '@soma/events/contract'
import {
  type Client,
  type Clock,
  type Context,
  commonProblems,
  holds,
  type JsonSchema,
  type ModuleDatabase,
  parseVersionRange,
  schemaUri,
  type Transaction,
} from '@soma/kernel'
import { compareSchemas, versionDemand } from '../../contract/compatibility.ts'
import type { EventDefinitionRecord } from '../../contract/event-definitions.ts'
import { eventDeprecated, eventRetired } from '../../contract/facts.ts'
import { registryProblems } from '../../contract/problems.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import { createFindings } from '../findings.ts'
import { recordChange } from '../record-change.ts'
import type { RegistryPorts } from '../ports.ts'
import { bundleDocuments } from '../schemas/bundles.ts'
import { checkSchema } from '../schemas/register-schemas.ts'
import { placeOf } from './check-versions.ts'
import type { EventDefinitionService } from './service.ts'
import { type ConsumerRow, type DefinitionRow, selectConsumers, selectDefinitions, updateStatus } from './store.ts'

interface Place {
  readonly topic: string
  readonly type: string
}
type Version = Place & { readonly version: string }

/** A version that was published this lately is in use, whether or not who publishes it says so. */
const RECENT_MS = 86_400_000
/** Events looked at for the names of their sources. */
const LOOKED_AT = 200

/** The end of a version, announced and then made; and what a change would do before it is made. */
export function createDefinitionLifeCycle(deps: {
  database: ModuleDatabase
  ports: RegistryPorts
  events: Client<typeof eventsContract>
  clock: Clock
  get: EventDefinitionService['get']
}) {
  const { database, ports, get } = deps
  /** Who published the version lately, in any space of the tenant. */
  const publishersOf = async ({ tenantId }: Context, { topic, type, schema }: EventDefinitionRecord) => {
    const dataSchema = schemaUri(schema.name, schema.version)
    const from = new Date(deps.clock.now().getTime() - RECENT_MS).toISOString()
    const query = { topic, type, dataSchema, from, limit: LOOKED_AT, fields: 'headers' as const }
    const { items } = await deps.events.events.list(database.moduleContext(tenantId), { query })
    return [...new Set(items.map(({ source }) => source))]
  }
  const change = async (
    context: Context,
    wanted: Version,
    work: (tx: Transaction, row: DefinitionRow) => Promise<void>,
  ): Promise<EventDefinitionRecord> => {
    await database.transaction(context, async (tx) => {
      const rows = await selectDefinitions(tx, [wanted])
      await work(tx, ownedBy(context, rows, wanted))
    })
    return get(context, wanted)
  }
  return {
    deprecate: async (
      context: Context,
      wanted: Version,
      input: { replacedBy?: string | undefined; sunsetAt?: string | undefined; note: string },
    ) => {
      await get(context, wanted)
      return change(context, wanted, async (tx, row) => {
        const { replacedBy = null, sunsetAt = null, note } = input
        if (row.status === 'retired')
          throw commonProblems.conflict.create(`${wanted.type} ${wanted.version} is retired`)
        await updateStatus(tx, wanted, { status: 'deprecated', replacedBy, sunsetAt })
        const said = { ...(replacedBy === null ? {} : { replacedBy }), ...(sunsetAt === null ? {} : { sunsetAt }) }
        tx.emit(eventDeprecated, { ...wanted, digest: row.digest, ...said, note }, { partitionKey: wanted.type })
        recordStatus(tx, context, { row, to: 'deprecated', note })
      })
    },
    retire: async (context: Context, wanted: Version, { force, note }: { force: boolean; note: string }) => {
      const current = await get(context, wanted)
      const publishers = force || current.visibility === 'platform' ? [] : await publishersOf(context, current)
      return change(context, wanted, async (tx, row) => {
        if (row.status === 'retired') return
        const consumers = force ? [] : namesOf(await consumersOf(tx, wanted))
        if (consumers.length + publishers.length > 0) throw stillUsed(wanted, { consumers, publishers })
        await updateStatus(tx, wanted, { status: 'retired', replacedBy: null, sunsetAt: null })
        const fact = { ...wanted, digest: row.digest, isForced: force, note }
        tx.emit(eventRetired, fact, { partitionKey: wanted.type })
        recordStatus(tx, context, { row, to: 'retired', note: force ? `forced: ${note}` : note })
      })
    },
    async impact(context: Context, place: Place, proposed: JsonSchema) {
      const findings = createFindings()
      const pointer = '/body/schema'
      const bundles = await bundleDocuments([{ jsonSchema: proposed, pointer }], { database, context, findings })
      checkSchema(ports.schemaCompiler, proposed, { pointer, findings, bundles })
      findings.throwIfAny()
      const current = await get(context, place)
      const schemas = { before: current.bundled ?? current.jsonSchema, after: bundles(proposed) }
      const compared = compareSchemas(schemas.before, schemas.after, current.kind)
      const report = withCounterexamples(compared, schemas, ports.schemaCompiler)
      const why = report.changes.find(({ level }) => level === 'major')
      const rows =
        why === undefined
          ? []
          : await database.transaction(context, (tx) => selectConsumers(tx, place.topic, place.type))
      return {
        report: { ...report, changes: [...report.changes] },
        needs: versionDemand(current.version, report.level),
        breaks: rows
          .filter(({ range }) => mayTake(range, current.version))
          .map((row) => ({
            agent: row.name,
            version: row.agent_version,
            why: `${why?.pointer}: ${why?.why}`,
          })),
      }
    },
  }
}

/** Platform definitions and those of other owners are not the caller's to end. */
function ownedBy(context: Context, rows: readonly DefinitionRow[], wanted: Version): DefinitionRow {
  const row = rows.find((one) => one.tenant_id === context.tenantId)
  const owner = row?.owner_id ?? 'the platform'
  if (row !== undefined && (owner === context.principal.id || holds(context.principal, 'agent:manage'))) return row
  throw registryProblems.nameOwned.create(`event ${wanted.type} on ${wanted.topic} belongs to ${owner}`)
}

async function consumersOf(tx: Transaction, wanted: Version): Promise<ConsumerRow[]> {
  const rows = await selectConsumers(tx, wanted.topic, wanted.type)
  return rows.filter(({ is_live, range }) => is_live && mayTake(range, wanted.version))
}

const namesOf = (consumers: readonly ConsumerRow[]): string[] => [
  ...new Set(consumers.map(({ name, agent_version }) => `${name} ${agent_version}`)),
]

function stillUsed({ type, version }: Version, by: { consumers: string[]; publishers: string[] }) {
  const uses = [
    by.consumers.length === 0 ? undefined : `is consumed by ${by.consumers.join(', ')}`,
    by.publishers.length === 0 ? undefined : `was published in the last 24 h by ${by.publishers.join(', ')}`,
  ]
  const said = uses.filter((use) => use !== undefined).join(' and ')
  return commonProblems.conflict.create(`${type} ${version} ${said}; end that first, or say force with a note`, by)
}

function recordStatus(
  tx: Transaction,
  context: Context,
  { row, to, note }: { row: DefinitionRow; to: DefinitionRow['status']; note: string },
): void {
  recordChange(tx, context, {
    action: to === 'retired' ? 'event-definition.retire' : 'event-definition.deprecate',
    resource: { type: 'event-definition', id: placeOf(row) },
    reason: note,
    before: { status: row.status },
    after: { status: to },
  })
}

/** Of what is no range it is assumed that it takes the version. */
const mayTake = (range: string | null, version: string): boolean => parseVersionRange(range ?? '')?.(version) ?? true
