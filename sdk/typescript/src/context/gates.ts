import { type Json, withoutUndefined } from '@soma/kernel'
import { derivedId } from '../run/derived-ids.ts'
import { type Handling } from '../run/handling.ts'

export interface GateOptions {
  /** The gate's stable name in its plan: opening `publish` twice is one gate. */
  readonly key: string
  readonly title: string
  /** What would happen: exactly this is approved. At most 256 KiB. */
  readonly payload: Json
  /** Default `review`. */
  readonly kind?: 'review' | 'policy' | 'budget' | 'input' | 'effect' | 'change'
  /** JSON Schema of the merge patch that a decider may send. */
  readonly editSchema?: Readonly<Record<string, unknown>>
  readonly evidence?: readonly {
    readonly label: string
    readonly text?: string
    readonly link?: string
    readonly data?: Json
    readonly untrusted?: boolean
  }[]
  /** Default: one holder of `gate:decide` other than the requester. */
  readonly requirements?: readonly {
    readonly deciders?: readonly ({ readonly role: string } | { readonly principal: string })[]
    readonly quorum?: number
    readonly humans?: number
    readonly excludeRequester?: boolean
  }[]
  readonly dueAt?: string
  readonly maxRevisions?: number
}

/** Opens a gate once: its id follows from the plan and the key, so a repeated handler finds the one that is open. Answers its id. */
export async function openGate(handling: Handling, planId: string, gate: GateOptions): Promise<string> {
  const { key, kind, ...others } = gate
  const gateId = derivedId('gate', planId, handling.agent.name, key)
  const body = withoutUndefined({ ...others, kind: kind ?? 'review', gateId, subject: { planId, action: key } })
  // By its id alone: under a key, the repeat of a process that was killed would be refused for as long as the key is held.
  await handling.clients.governance.gates.open({ body: body as never })
  return gateId
}
