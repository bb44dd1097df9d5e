import { type ModuleDatabase, type Transaction, toId } from '@soma/kernel'
import { gateEscalated } from '../../contract/index.ts'
import { attributesOf, endGate } from './close.ts'
import type { GateChanges } from './gate-changes.ts'
import { dueGates, escalateGate, type GateRow, lockGate, touchGate } from './store.ts'

/** Gates that are read at once; a sweep goes on until none is due. */
const SLICE = 200
const EXPIRY = 'system:expiry'

/** Acts on every gate whose time has run out, of all tenants. What is due stands in the rows, so nothing is missed while no process runs. */
export function createExpireGates({ database, changes }: { database: ModuleDatabase; changes: GateChanges }) {
  return async (signal: AbortSignal): Promise<void> => {
    let due: { tenant_id: string; id: string }[]
    do {
      due = await database.asScheduler((session) => dueGates(session, SLICE))
      for (const { tenant_id: tenantId, id } of due) {
        if (signal.aborted) return
        await database.asWorker(database.moduleContext(tenantId), (tx) => expireGate(tx, id))
        changes.announce(tenantId)
      }
    } while (due.length === SLICE)
  }
}

/** Looked at again under the lock: a vote or another sweep may have been first. */
async function expireGate(tx: Transaction, id: string): Promise<void> {
  const row = await lockGate(tx, id)
  if (row === undefined || row.status !== 'open' || !row.is_due) return
  const step = row.on_expire === 'escalate' ? row.escalation[row.escalated] : undefined
  if (step === undefined)
    return endGate(tx, row, { outcome: 'expired', decidedBy: [EXPIRY], payloadHash: row.payload_hash })
  await escalate(tx, row, step)
}

async function escalate(tx: Transaction, row: GateRow, step: GateRow['escalation'][number]): Promise<void> {
  const requirements = row.requirements.map((requirement) => ({ ...requirement, deciders: step.deciders }))
  await escalateGate(tx, row.id, { requirements, dueInMs: step.dueInMs })
  await touchGate(tx, row.id)
  tx.emit(
    gateEscalated,
    {
      gateId: toId('gate', row.id),
      principalId: EXPIRY,
      what: `step ${row.escalated + 1} of ${row.escalation.length}`,
      round: row.round,
      requirements,
    },
    attributesOf(row),
  )
}
