import { type Logger, newUuid } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'
import type { GapData } from './frame-queue.ts'

/** Ids in one notice: the database takes 8,000 bytes. */
const IDS_A_NOTICE = 150

interface About {
  readonly subscriptionId: string
}
/** One connection of a member: a newer one of the same member replaces it. */
export interface StreamOfMember extends About {
  readonly memberId: string
  readonly stream: string
}
interface Asking extends About {
  readonly memberId: string
  readonly principalId: string
  /** The process to answer. */
  readonly from: string
}

/** Of members' attempts: by a failure of a dependency, or some otherwise. */
export type AttemptsEnd = 'failed' | 'ended'

/** What processes tell each other about members that are connected to one and served by another. Uuids throughout. */
export type Notice =
  // To the dispatcher.
  | (Asking &
      StreamOfMember & {
        readonly op: 'join'
        readonly credits: number
        readonly agentInstanceId?: string
        readonly isNew: boolean
      })
  | (Asking & { readonly op: 'credits'; readonly credits: number })
  | (Asking & { readonly op: 'pull'; readonly request: string; readonly max: number; readonly waitMs: number })
  | (StreamOfMember & { readonly op: 'leave' })
  /** Rows of these deliveries were written by another process; how attempts of members ended there. */
  | (About & { readonly op: 'rows'; readonly ids: readonly string[]; readonly attempts?: AttemptsEnd })
  // From the dispatcher.
  | (StreamOfMember & { readonly op: 'deliver'; readonly ids: readonly string[]; readonly isAgain: boolean })
  | (StreamOfMember & {
      readonly op: 'lease-lost'
      readonly deliveryId: string
      readonly reason: 'expired' | 'replaced' | 'revoked'
    })
  | (StreamOfMember & { readonly op: 'gap'; readonly gap: GapData })
  | (StreamOfMember & { readonly op: 'end'; readonly reason: string })
  | (About & { readonly op: 'pulled'; readonly request: string; readonly ids: readonly string[] })
  /** It dispatches the subscription no longer: whoever has members of it may. */
  | (About & { readonly op: 'released' })

/** The processes on one database, by NOTIFY. A notice may be lost: whoever sends or awaits one looks into the database as well. */
export interface Nodes {
  readonly id: string
  /** False on the embedded engine: there is no other process. */
  readonly isShared: boolean
  /** Hears notices to this process when it resolves. */
  start(): Promise<void>
  tell(node: string, notice: Notice): void
  stop(): Promise<void>
}

export function createNodes(
  { nodes, log }: Pick<EventsPorts, 'nodes'> & { log: Logger },
  receive: (notice: Notice) => void,
): Nodes {
  const id = newUuid()
  let listening: Promise<() => Promise<void>> | undefined
  // One after the other: connections of a pool overtake each other.
  let sent: Promise<void> = Promise.resolve()
  const send = (node: string, notice: Notice) => {
    sent = sent
      .then(() => nodes?.notify(channelOf(node), JSON.stringify(notice)))
      .catch((error: unknown) => log.warn('another process cannot be told', { op: notice.op, error }))
  }
  return {
    id,
    isShared: nodes !== undefined,
    start: async () => {
      listening ??= nodes?.listen(channelOf(id), (payload) => receive(JSON.parse(payload) as Notice))
      listening?.catch(() => {
        listening = undefined
      })
      await listening
    },
    tell: (node, notice) => {
      for (const part of partsOf(notice)) send(node, part)
    },
    stop: async () => {
      await sent
      await (await listening?.catch(() => undefined))?.()
    },
  }
}

const channelOf = (node: string): string => `soma_node_${node}`

function partsOf(notice: Notice): Notice[] {
  if (!('ids' in notice) || notice.ids.length <= IDS_A_NOTICE) return [notice]
  return Array.from({ length: Math.ceil(notice.ids.length / IDS_A_NOTICE) }, (_, index) => ({
    ...notice,
    ids: notice.ids.slice(index * IDS_A_NOTICE, (index + 1) * IDS_A_NOTICE),
  }))
}
