import type { Context } from '@soma/kernel'

export interface Connection {
  readonly kind: 'member' | 'tail'
  readonly context: Context
  readonly subscriptionId?: string
  readonly memberId?: string
  readonly agentInstanceId?: string
  /** Credits and deliveries in hand, as they are now. */
  readonly load?: () => { credits: number; inFlight: number }
}

/** Who is connected to this process. */
export interface Connections {
  add(connection: Connection): () => void
  count(tenantId: string, kind: Connection['kind']): number
  of(tenantId: string): readonly (Connection & { readonly connectedAt: string })[]
}

export function createConnections(now: () => Date): Connections {
  const all = new Map<string, Set<Connection & { connectedAt: string }>>()
  return {
    add: (connection) => {
      const { tenantId } = connection.context
      const entry = { ...connection, connectedAt: now().toISOString() }
      const own = all.get(tenantId) ?? new Set()
      all.set(tenantId, own.add(entry))
      return () => {
        own.delete(entry)
        if (own.size === 0 && all.get(tenantId) === own) all.delete(tenantId)
      }
    },
    count: (tenantId, kind) => [...(all.get(tenantId) ?? [])].filter((connection) => connection.kind === kind).length,
    of: (tenantId) => [...(all.get(tenantId) ?? [])],
  }
}
