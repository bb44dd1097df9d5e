import { type CastVote, type Gate, type GateDecision, governanceProblems } from '@soma/governance/contract'
import { commonProblems, isProblem } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { UsageError } from '../failure.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import { fileName, filesOf, gateText } from './gate-text.ts'
import { gateView, resolveGate } from './gates.ts'

type Edits = NonNullable<CastVote['edits']>

interface DecisionFlags {
  readonly reason?: string
  readonly without?: readonly string[]
  readonly edit?: string
  readonly instructions?: string
}

export const approveGate = (handling: Handling<DecisionFlags>): Promise<void> => decideGate('approve', handling)
export const rejectGate = (handling: Handling<DecisionFlags>): Promise<void> => decideGate('reject', handling)
export const reviseGate = (handling: Handling<DecisionFlags>): Promise<void> => decideGate('revise', handling)

/**
 * Votes at a gate with the hash of the payload that was read, so what was shown is what is decided. Without an id it is the oldest gate that the caller may decide:
 * it is shown and asked about, and a script has to say `--yes`, because it has not seen it.
 */
async function decideGate(decision: GateDecision, { session, flags, args }: Handling<DecisionFlags>): Promise<void> {
  const { printer } = session
  const isChosen = args[0] !== undefined
  const isScripted = flags.reason !== undefined && (isChosen || flags.yes === true)
  if (!isScripted && !session.isInteractive) throw new UsageError(missingFlags(decision, isChosen))
  const { clients } = await session.connect()
  const gate = await (isChosen ? readGate(args[0] as string, clients) : oldestOfMine(clients))
  const edits = await editsOf(gate, flags)
  if (!isScripted || !isChosen) printer.note(gateText(gate, printer.noteColours))
  if (!isScripted && !(await session.confirm(questionOf(decision, flags)))) return printer.note('nothing was decided')
  const reason = flags.reason ?? (await session.ask('Why?', '--reason'))
  const vote = {
    decision,
    payloadHash: gate.payloadHash,
    reason,
    ...(edits === undefined ? {} : { edits }),
    ...(decision === 'revise' ? { instructions: flags.instructions ?? reason } : {}),
  }
  const decided = await castVote(clients, gate.gateId, vote)
  await printer.result(decided, gateView)
  if (decided.status === 'open') printer.note(stillOpen(decided))
}

function missingFlags(decision: GateDecision, isChosen: boolean): string {
  const flags = isChosen ? '--reason' : '--reason and --yes (or name the gate)'
  return `nobody can be asked here: give ${flags} to ${decision}`
}

function questionOf(decision: GateDecision, { without = [] }: DecisionFlags): string {
  const verb = { approve: 'Approve', reject: 'Reject', revise: 'Send back', abstain: 'Abstain from' }[decision]
  return `${verb} this${without.length === 0 ? '' : ` without ${without.join(', ')}`}?`
}

async function readGate(text: string, clients: Clients): Promise<Gate> {
  const gateId = await resolveGate(text, clients)
  return clients.governance.gates.get({ params: { gateId } })
}

/** Lists are newest first, so the oldest is the last of the last page. */
async function oldestOfMine(clients: Clients): Promise<Gate> {
  let oldest: Gate | undefined
  let cursor: string | undefined
  do {
    const page = await clients.governance.gates.list({
      query: { mine: 'true', status: 'open', limit: 200, ...(cursor === undefined ? {} : { cursor }) },
    })
    oldest = page.items.at(-1) ?? oldest
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  if (oldest === undefined) throw commonProblems.notFound.create('no open gate waits for your decision')
  return oldest
}

/** A vote that came too late says whose decision stands. */
async function castVote(clients: Clients, gateId: string, body: CastVote): Promise<Gate> {
  try {
    return await clients.governance.gates.decide({ params: { gateId }, body })
  } catch (error) {
    if (!isProblem(error) || error.code !== governanceProblems.gateClosed.code) throw error
    const { outcome, decidedBy, decidedAt } = await clients.governance.gates.get({ params: { gateId } })
    const by = decidedBy.length === 0 ? '' : ` by ${decidedBy.join(', ')}`
    throw governanceProblems.gateClosed.create(`it was ${outcome}${by} at ${decidedAt}, and that stands`, {
      ...error.extensions,
    })
  }
}

function stillOpen({ requirements, votes }: Gate): string {
  const quorum = Math.max(...requirements.map((requirement) => requirement.quorum))
  return `your vote counts; the gate stays open until enough have voted (${votes.length} so far, ${quorum} needed)`
}

/** The merge patch of `--edit` and `--without`. @throws UsageError where the gate allows no edits or has no such file */
async function editsOf(gate: Gate, { without = [], edit }: DecisionFlags): Promise<Edits | undefined> {
  if (without.length === 0 && edit === undefined) return undefined
  if (gate.editSchema === null) throw new UsageError('this gate allows no edits: approve, reject or revise it as it is')
  const patch = edit === undefined ? undefined : ((await readValue(edit)) as Edits)
  if (without.length === 0) return patch
  const files = filesWithout(gate, without)
  return typeof patch === 'object' && patch !== null && !Array.isArray(patch) ? { ...patch, files } : { files }
}

/** The files of a gate's payload but those named. */
export function filesWithout({ payload }: Pick<Gate, 'payload'>, without: readonly string[]): Edits[] {
  const files = filesOf(payload)
  const names = files.map(fileName)
  const unknown = without.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    const known = names.filter((name) => name !== undefined)
    const hint = known.length === 0 ? 'its payload has no list of files' : `its files are ${known.join(', ')}`
    throw new UsageError(`the gate has no file "${unknown.join('", "')}": ${hint}`)
  }
  return files.filter((_file, index) => !without.includes(names[index] as string)) as Edits[]
}
