import type { HeldEvent } from './held-event.ts'

/** Order inside a key: one event at a time, by position (EVT-R19). */
export interface KeyQueues {
  /** Answers true when nothing of its key stands before it. */
  add(held: HeldEvent): boolean
  /** Takes the event out; answers the one that is next of its key. */
  remove(held: HeldEvent): HeldEvent | undefined
  headOf(orderKey: string): HeldEvent | undefined
  /** All but the head. */
  followers(orderKey: string): readonly HeldEvent[]
  all(): IterableIterator<readonly HeldEvent[]>
}

export function createKeyQueues(): KeyQueues {
  const queues = new Map<string, HeldEvent[]>()
  return {
    add: (held) => {
      const queue = queues.get(held.orderKey)
      if (queue === undefined) {
        queues.set(held.orderKey, [held])
        return true
      }
      insert(queue, held)
      return queue[0] === held
    },
    remove: (held) => {
      const queue = queues.get(held.orderKey)
      if (queue === undefined) return undefined
      const index = queue.indexOf(held)
      if (index >= 0) queue.splice(index, 1)
      if (queue.length === 0) queues.delete(held.orderKey)
      return queue[0]
    },
    headOf: (orderKey) => queues.get(orderKey)?.[0],
    followers: (orderKey) => queues.get(orderKey)?.slice(1) ?? [],
    all: () => queues.values(),
  }
}

/** The head keeps its place even before a lower position (a replay): what is in hand stays first. */
function insert(queue: HeldEvent[], held: HeldEvent): void {
  let index = queue.length
  while (index > 1 && (queue[index - 1] as HeldEvent).position > held.position) index -= 1
  queue.splice(index, 0, held)
}
