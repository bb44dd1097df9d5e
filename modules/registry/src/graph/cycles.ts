interface Visit {
  readonly id: string
  readonly index: number
  low: number
  isOpen: boolean
}

/** Node → a number that it shares with every node from which it is reached and which it reaches (Tarjan's strongly connected components). */
export function findCycles(edges: readonly { from: string; to: string }[]): Map<string, number> {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to])
  const visits = new Map<string, Visit>()
  const open: Visit[] = []
  const component = new Map<string, number>()

  const visit = (id: string): Visit => {
    const own: Visit = { id, index: visits.size, low: visits.size, isOpen: true }
    visits.set(id, own)
    open.push(own)
    for (const follower of next.get(id) ?? []) {
      const seen = visits.get(follower)
      if (seen === undefined) own.low = Math.min(own.low, visit(follower).low)
      else if (seen.isOpen) own.low = Math.min(own.low, seen.index)
    }
    if (own.low === own.index) {
      for (const closed of open.splice(open.indexOf(own))) {
        closed.isOpen = false
        component.set(closed.id, own.index)
      }
    }
    return own
  }
  for (const { from, to } of edges) for (const id of [from, to]) if (!visits.has(id)) visit(id)
  return component
}
