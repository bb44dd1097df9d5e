import type { Context, Metrics } from '@soma/kernel'

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
  /** Those of the caller's tenant, or of its space alone. */
  of(caller: Pick<Context, 'tenantId' | 'spaceId'>): readonly (Connection & { readonly connectedAt: string })[]
}

export function createConnections(now: () => Date, metrics: Metrics): Connections {
  const all = new Map<string, Set<Connection & { connectedAt: string }>>()
  const open = { member: 0, tail: 0 }
  const count = (kind: Connection['kind'], by: number) => {
    open[kind] += by
    metrics.gauge('soma_events_streams_open', open[kind], { kind })
  }
  return {
    add: (connection) => {
      const { tenantId } = connection.context
      const entry = { ...connection, connectedAt: now().toISOString() }
      const own = all.get(tenantId) ?? new Set()
      all.set(tenantId, own.add(entry))
      count(entry.kind, 1)
      return () => {
        if (own.delete(entry)) count(entry.kind, -1)
        if (own.size === 0 && all.get(tenantId) === own) all.delete(tenantId)
      }
    },
    count: (tenantId, kind) => [...(all.get(tenantId) ?? [])].filter((connection) => connection.kind === kind).length,
    of: ({ tenantId, spaceId }) =>
      [...(all.get(tenantId) ?? [])].filter(({ context }) => spaceId === '' || context.spaceId === spaceId),
  }
}
