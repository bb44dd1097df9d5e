import {
  canonicalJson,
  type Clock,
  commonProblems,
  type Context,
  type JsonSchema,
  type ModuleDatabase,
  type SchemaCompiler,
  type Transaction,
  toId,
  uuidOf,
} from '@soma/kernel'
import { type Gate, gateOpened, type OpenGate } from '../../contract/index.ts'
import { attributesOf } from './close.ts'
import type { GateChanges } from './gate-changes.ts'
import { viewGates } from './gate-view.ts'
import { hashOf, payloadText } from './payload.ts'
import { findGate, type GateRow, insertGate } from './store.ts'

export interface OpenDependencies {
  readonly database: ModuleDatabase
  readonly schemaCompiler: SchemaCompiler
  readonly changes: GateChanges
  readonly clock: Clock
  readonly defaultDueMs: number
}

/** Opens a gate. The same id with the same body is the same gate; with another body it is a conflict. */
export function createOpenGate(dependencies: OpenDependencies) {
  return async (context: Context, { body, gateId }: { body: OpenGate; gateId: string }): Promise<Gate> => {
    const payload = payloadText(body.payload)
    checkEditSchema(body, dependencies.schemaCompiler)
    const opened = await dependencies.database.transaction(context, async (tx) => {
      const gate = {
        id: uuidOf('gate', gateId),
        digest: hashOf(canonicalJson({ ...body, gateId: undefined })),
        body,
        payload,
        payloadHash: hashOf(payload),
        requesterId: context.principal.id,
        defaultDueMs: dependencies.defaultDueMs,
      }
      const isNew = await insertGate(tx, gate)
      const row = (await findGate(tx, gate.id)) as GateRow
      if (isNew) emitOpened(tx, row)
      else if (row.open_digest !== gate.digest)
        throw commonProblems.conflict.create(`the gate ${gateId} exists with another body`)
      return (await viewGates(tx, [row], dependencies.clock))[0] as Gate
    })
    dependencies.changes.announce(context.tenantId)
    return opened
  }
}

function checkEditSchema({ editSchema }: OpenGate, compiler: SchemaCompiler): void {
  if (editSchema === undefined) return
  const { issues } = compiler.compile(editSchema as JsonSchema)
  if (issues === undefined) return
  throw commonProblems.invalidRequest.create('editSchema is no schema that can be used', {
    errors: issues.map((issue) => ({ ...issue, pointer: `/body/editSchema${issue.pointer}` })),
  })
}

function emitOpened(tx: Transaction, row: GateRow): void {
  tx.emit(
    gateOpened,
    {
      gateId: toId('gate', row.id),
      kind: row.kind,
      subject: row.subject,
      title: row.title,
      requirements: row.requirements,
      deciders: row.requirements.flatMap(({ deciders }) => deciders),
      payloadHash: row.payload_hash,
      dueAt: row.due_at.toISOString(),
    },
    attributesOf(row),
  )
}
