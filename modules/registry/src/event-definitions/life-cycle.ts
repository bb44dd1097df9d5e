import {
  type Context,
  commonProblems,
  holds,
  type JsonSchema,
  type ModuleDatabase,
  type Transaction,
} from '@soma/kernel'
import { compareSchemas, versionDemand } from '../../contract/compatibility.ts'
import type { EventDefinitionRecord } from '../../contract/event-definitions.ts'
import { eventDeprecated, eventRetired } from '../../contract/facts.ts'
import { registryProblems } from '../../contract/problems.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import { createFindings } from '../findings.ts'
import type { RegistryPorts } from '../ports.ts'
import { checkSchema } from '../schemas/register-schemas.ts'
import type { EventDefinitionService } from './service.ts'
import { type ConsumerRow, type DefinitionRow, selectConsumers, selectDefinitions, updateStatus } from './store.ts'

interface Place {
  readonly topic: string
  readonly type: string
}
type Version = Place & { readonly version: string }

/** The end of a version, announced and then made; and what a change would do before it is made. */
export function createDefinitionLifeCycle(deps: {
  database: ModuleDatabase
  ports: RegistryPorts
  get: EventDefinitionService['get']
}) {
  const { database, ports, get } = deps
  const change = async (
    context: Context,
    wanted: Version,
    work: (tx: Transaction, row: DefinitionRow) => Promise<void>,
  ): Promise<EventDefinitionRecord> => {
    await get(context, wanted)
    await database.transaction(context, async (tx) => {
      const rows = await selectDefinitions(tx, [wanted])
      await work(tx, ownedBy(context, rows, wanted))
    })
    return get(context, wanted)
  }
  return {
    deprecate: (
      context: Context,
      wanted: Version,
      input: { replacedBy?: string | undefined; sunsetAt?: string | undefined; note: string },
    ) =>
      change(context, wanted, async (tx, row) => {
        const { replacedBy = null, sunsetAt = null, note } = input
        if (row.status === 'retired')
          throw commonProblems.conflict.create(`${wanted.type} ${wanted.version} is retired`)
        await updateStatus(tx, wanted, { status: 'deprecated', replacedBy, sunsetAt })
        const said = { ...(replacedBy === null ? {} : { replacedBy }), ...(sunsetAt === null ? {} : { sunsetAt }) }
        tx.emit(eventDeprecated, { ...wanted, digest: row.digest, ...said, note }, { partitionKey: wanted.type })
      }),
    retire: (context: Context, wanted: Version, { force, note }: { force: boolean; note: string }) =>
      change(context, wanted, async (tx, row) => {
        if (row.status === 'retired') return
        const consumers = await consumersOf(tx, wanted)
        if (!force && consumers.length > 0) throw stillConsumed(wanted, consumers)
        await updateStatus(tx, wanted, { status: 'retired', replacedBy: null, sunsetAt: null })
        const fact = { ...wanted, digest: row.digest, isForced: force, note }
        tx.emit(eventRetired, fact, { partitionKey: wanted.type })
      }),
    async impact(context: Context, place: Place, proposed: JsonSchema) {
      const findings = createFindings()
      checkSchema(ports.schemaCompiler, proposed, { pointer: '/body/schema', findings })
      findings.throwIfAny()
      const current = await get(context, place)
      const schemas = { before: current.jsonSchema, after: proposed }
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

function stillConsumed({ type, version }: Version, consumers: readonly ConsumerRow[]) {
  const names = [...new Set(consumers.map(({ name, agent_version }) => `${name} ${agent_version}`))]
  return commonProblems.conflict.create(`${type} ${version} is consumed by ${names.join(', ')}`, { consumers: names })
}

/** `^1` and `1.x` take the versions of one major; of any other range it is assumed that it takes the version. */
function mayTake(range: string | null, version: string): boolean {
  const major = /^\^?(\d+)(\.|$)/.exec(range ?? '')?.[1]
  return major === undefined || major === version.split('.')[0]
}
