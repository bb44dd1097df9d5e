import {
  type Clock,
  commonProblems,
  type Context,
  isProblem,
  type Json,
  type JsonSchema,
  type ModuleDatabase,
  problemSummary,
  type SchemaCompiler,
  type Transaction,
  toId,
  toUuid,
} from '@soma/kernel'
import { type CastVote, type Gate, gateVoted, governanceProblems } from '../../contract/index.ts'
import { attributesOf, endGate } from './close.ts'
import type { GateChanges } from './gate-changes.ts'
import { viewGates } from './gate-view.ts'
import { mergePatch } from './merge-patch.ts'
import { hashOf, payloadText } from './payload.ts'
import {
  countRevisions,
  findGate,
  type GateRow,
  listVotes,
  lockGate,
  putVote,
  replacePayload,
  touchGate,
} from './store.ts'
import { mayVote, tally, type Terms, type Voter } from './tally.ts'

export interface DecideDependencies {
  readonly database: ModuleDatabase
  readonly schemaCompiler: SchemaCompiler
  readonly changes: GateChanges
  readonly clock: Clock
}

/** Votes at a gate. The gate's row is locked, so of two votes in one instant one comes first, and only one can end it. */
export function createDecide({ database, schemaCompiler, changes, clock }: DecideDependencies) {
  return async (context: Context, gateId: string, cast: CastVote): Promise<Gate> => {
    const gate = await database.transaction(context, async (tx) => {
      const row = await openGateOf(tx, gateId)
      const voter: Voter = {
        principalId: context.principal.id,
        roles: context.principal.roles,
        isHuman: context.principal.kind === 'user',
      }
      checkVote(row, voter, cast)
      const after = await applyEdits(tx, row, cast, schemaCompiler)
      await recordVote(tx, after, { voter, cast, wasEdited: after.payload_hash !== row.payload_hash })
      await endIfDecided(tx, after)
      const now = (await findGate(tx, row.id)) as GateRow
      return (await viewGates(tx, [now], clock))[0] as Gate
    })
    changes.announce(context.tenantId)
    return gate
  }
}

/** Votes one by one; each answers a gate or what was wrong with it. */
export function createDecideMany(decide: ReturnType<typeof createDecide>) {
  return async (context: Context, votes: readonly (CastVote & { gateId: string })[]) => {
    const results = []
    for (const { gateId, ...cast } of votes) {
      try {
        results.push({ gateId, gate: await decide(context, gateId, cast) })
      } catch (error) {
        if (!isProblem(error)) throw error
        const { code, detail, status } = problemSummary(error)
        results.push({ gateId, problem: { code, detail, status } })
      }
    }
    return { results }
  }
}

/** @throws not-found; gate-closed, also between the due time and the sweep that acts on it */
export async function openGateOf(tx: Transaction, gateId: string): Promise<GateRow> {
  const id = toUuid('gate', gateId)
  const row = id === undefined ? undefined : await lockGate(tx, id)
  if (row === undefined) throw commonProblems.notFound.create(`no gate ${gateId}`)
  if (row.status !== 'open')
    throw governanceProblems.gateClosed.create(`the gate ${gateId} is ${row.status}`, { outcome: row.outcome })
  if (row.is_due)
    throw governanceProblems.gateClosed.create(`the gate ${gateId} was due at ${row.due_at.toISOString()}`)
  return row
}

const termsOf = (row: GateRow): Terms => ({
  requirements: row.requirements,
  rejectPolicy: row.reject_policy,
  requesterId: row.requester_id,
})

function checkVote(row: GateRow, voter: Voter, cast: CastVote): void {
  const gateId = toId('gate', row.id)
  if (!mayVote(termsOf(row), voter))
    throw governanceProblems.notADecider.create(`${voter.principalId} is no decider of the gate ${gateId}`)
  if (cast.payloadHash !== row.payload_hash) {
    throw governanceProblems.payloadChanged.create(
      `the payload of the gate ${gateId} is ${row.payload_hash}, the vote names ${cast.payloadHash}`,
      {
        payloadHash: row.payload_hash,
        round: row.round,
      },
    )
  }
}

/** With one vote to give, an edited approval approves what it edits. With more, everybody must see it: a new round begins with this vote in it. */
async function applyEdits(tx: Transaction, row: GateRow, cast: CastVote, compiler: SchemaCompiler): Promise<GateRow> {
  if (cast.edits === undefined) return row
  checkEdits(row, cast, compiler)
  const payload = payloadText(mergePatch(JSON.parse(row.payload) as Json, cast.edits))
  const payloadHash = hashOf(payload)
  if (payloadHash === row.payload_hash) return row
  const isShared = row.requirements.length > 1 || row.requirements.some(({ quorum }) => quorum > 1)
  const round = isShared ? row.round + 1 : row.round
  await replacePayload(tx, row.id, { payload, payloadHash, round })
  return { ...row, payload, payload_hash: payloadHash, round }
}

function checkEdits(row: GateRow, cast: CastVote, compiler: SchemaCompiler): void {
  const refuse = (detail: string, errors: readonly { pointer: string; code: string; detail: string }[]) =>
    commonProblems.invalidRequest.create(detail, { errors })
  if (cast.decision !== 'approve') {
    throw refuse(`edits come with approve, not with ${cast.decision}`, [
      { pointer: '/body/edits', code: 'decision', detail: 'only an approval may edit' },
    ])
  }
  if (row.edit_schema === null) {
    throw refuse(`the gate ${toId('gate', row.id)} allows no edits`, [
      { pointer: '/body/edits', code: 'edits', detail: 'the gate has no editSchema' },
    ])
  }
  const issues = compiler.compile(JSON.parse(row.edit_schema) as JsonSchema).validate?.(cast.edits) ?? []
  if (issues.length > 0)
    throw refuse(
      'the edits do not fit the editSchema of the gate',
      issues.map((issue) => ({ ...issue, pointer: `/body/edits${issue.pointer}` })),
    )
}

async function recordVote(
  tx: Transaction,
  row: GateRow,
  { voter, cast, wasEdited }: { voter: Voter; cast: CastVote; wasEdited: boolean },
): Promise<void> {
  await putVote(tx, {
    gate_id: row.id,
    principal_id: voter.principalId,
    round: row.round,
    decision: cast.decision,
    reason: cast.instructions ?? cast.reason,
    payload_hash: row.payload_hash,
    edits: wasEdited ? JSON.stringify(cast.edits) : null,
    roles: [...voter.roles],
    is_human: voter.isHuman,
  })
  await touchGate(tx, row.id)
  tx.emit(
    gateVoted,
    { gateId: toId('gate', row.id), principalId: voter.principalId, what: cast.decision, round: row.round },
    attributesOf(row),
  )
}

async function endIfDecided(tx: Transaction, row: GateRow): Promise<void> {
  const votes = (await listVotes(tx, [row.id])).filter((vote) => vote.round === row.round)
  const counted = votes.map((vote) => ({
    principalId: vote.principal_id,
    roles: vote.roles,
    isHuman: vote.is_human,
    decision: vote.decision,
  }))
  const result = tally(termsOf(row), counted)
  if (result === undefined) return
  const outcome = result === 'revise' && (await countRevisions(tx, row)) >= row.max_revisions ? 'rejected' : result
  const side = result === 'approved' ? ['approve'] : ['reject', 'revise']
  const deciding = votes.filter(({ decision }) => side.includes(decision))
  const instructions = deciding.filter(({ decision }) => decision === 'revise').map(({ reason }) => reason)
  await endGate(tx, row, {
    outcome,
    decidedBy: deciding.map((vote) => vote.principal_id),
    payloadHash: row.payload_hash,
    instructions: instructions.length === 0 ? undefined : instructions.join('\n'),
  })
}
