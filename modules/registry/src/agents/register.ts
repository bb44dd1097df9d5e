import {
  type Context,
  commonProblems,
  holds,
  type ModuleDatabase,
  newUuid,
  type SchemaCompiler,
  type Transaction,
  toId,
} from '@soma/kernel'
import type { AgentRecord, InstanceRecord, Registration } from '../../contract/agents.ts'
import { agentInstanceStarted, agentRegistered, agentRevived, agentUpdated } from '../../contract/facts.ts'
import { checkDefinitions, inlineDocuments } from '../event-definitions/check-definitions.ts'
import { registerDefinitions } from '../event-definitions/register-definitions.ts'
import { createFindings, type Findings } from '../findings.ts'
import { bundleDocuments } from '../schemas/bundles.ts'
import { checkSchema, type PlacedSchema } from '../schemas/register-schemas.ts'
import { toInstanceRecord } from './agent-record.ts'
import { readAgent } from './read-agents.ts'
import {
  checkReferencedTopics,
  consumedBy,
  producedBy,
  registrationDigest,
  registrationRow,
  type Warning,
  warningsOf,
} from './registration.ts'
import {
  type AgentRow,
  type InstanceRow,
  insertRegistration,
  lockAgent,
  selectInstance,
  updateAgent,
  upsertInstance,
} from './store.ts'

export interface RegisterInput {
  readonly name: string
  readonly instanceId: string
  readonly body: Registration
}

export interface Registered {
  readonly agent: AgentRecord
  readonly instance: InstanceRecord
  readonly warnings: readonly Warning[]
}

export function createRegister(deps: {
  database: ModuleDatabase
  compiler: SchemaCompiler
  reservedNouns: ReadonlySet<string>
  leaseMs: number
}): (context: Context, input: RegisterInput) => Promise<Registered> {
  return async (context, input) => {
    const findings = createFindings()
    const placed = place(input.body)
    const documents = [...placed.schemas.map(documentOf), ...inlineDocuments(placed.definitions)]
    const bundles = await bundleDocuments(documents, { database: deps.database, context, findings })
    for (const schema of placed.schemas) {
      checkSchema(deps.compiler, schema.jsonSchema, { pointer: documentOf(schema).pointer, findings, bundles })
    }
    checkDefinitions(placed.definitions, { ...deps, findings, bundles })
    checkReferencedTopics(input.body, findings)
    findings.throwIfAny()
    return deps.database.transaction(context, async (tx) => {
      const { compiler } = deps
      await registerDefinitions(tx, context, { ...placed, compiler, findings, bundles, ownerAgent: input.name })
      const instance = await enter(tx, context, { ...input, findings, leaseMs: deps.leaseMs })
      const agent = await readAgent(tx, { name: input.name, spaceId: context.spaceId })
      return { agent, instance: toInstanceRecord(instance), warnings: warningsOf(input.body) }
    })
  }
}

const place = (body: Registration) => ({
  schemas: body.schemas.map((schema, index) => ({ ...schema, pointer: `/body/schemas/${index}` })),
  definitions: body.events.map((definition, index) => ({ ...definition, pointer: `/body/events/${index}` })),
})

const documentOf = (schema: PlacedSchema) => ({ ...schema, pointer: `${schema.pointer}/jsonSchema` })

/** Enters agent and instance. The same registration again moves the lease alone. */
async function enter(
  tx: Transaction,
  context: Context,
  input: RegisterInput & { findings: Findings; leaseMs: number },
): Promise<InstanceRow> {
  const { findings, name, instanceId, body } = input
  const digest = registrationDigest(body)
  const wanted = { id: newUuid(), spaceId: context.spaceId, name, ownerId: context.principal.id, digest }
  const { row, isNew } = await lockAgent(tx, wanted)
  if (row.owner_id !== context.principal.id && !holds(context.principal, 'agent:manage')) {
    findings.add('name-owned', { pointer: '/params/name', detail: `agent ${name} belongs to ${row.owner_id}` })
  }
  findings.throwIfAny()
  const [before] = await selectInstance(tx, instanceId)
  if (before !== undefined && before.agent_id !== row.id) {
    throw commonProblems.conflict.create(`instance ${instanceId} belongs to another agent`)
  }
  await insertRegistration(tx, registrationRow(row.id, body))
  const [instance] = await upsertInstance(tx, instanceRow(row.id, digest, { context, ...input }), input.leaseMs)
  if (before?.digest !== digest || row.ended_at !== null) await announce(tx, { row, isNew, before, digest }, input)
  return instance as InstanceRow
}

const instanceRow = (agentId: string, digest: string, input: RegisterInput & { context: Context }) => ({
  agent_id: agentId,
  instance_id: input.instanceId,
  digest,
  agent_version: input.body.agentVersion,
  principal_id: input.context.principal.id,
  sdk: input.body.sdk ?? null,
  health: input.body.health,
  load: input.body.load ?? null,
  region: input.body.region ?? input.context.region,
  lease_ms: input.body.leaseMs ?? null,
})

interface Entry {
  readonly row: AgentRow
  readonly isNew: boolean
  readonly before: InstanceRow | undefined
  readonly digest: string
}

async function announce(tx: Transaction, entry: Entry, input: RegisterInput): Promise<void> {
  const { row } = entry
  if (!entry.isNew) await updateAgent(tx, row.id, entry.digest)
  const agentId = toId('reg', row.id)
  const key = { partitionKey: agentId }
  const { name, instanceId, body } = input
  const fact = {
    agentId,
    name,
    kind: body.kind,
    agentVersion: body.agentVersion,
    instanceId,
    capabilities: body.capabilities.map((capability) => capability.name),
    consumes: consumedBy(body),
    produces: producedBy(body),
  }
  if (entry.isNew) tx.emit(agentRegistered, fact, key)
  else if (row.digest !== entry.digest) tx.emit(agentUpdated, { ...fact, changed: ['registration'] }, key)
  if (row.ended_at !== null) {
    tx.emit(agentRevived, { agentId, name, lastSeenAt: row.last_seen_at.toISOString() }, key)
  }
  if (entry.before === undefined) {
    tx.emit(agentInstanceStarted, { agentId, name, instanceId, agentVersion: body.agentVersion }, key)
  }
}
