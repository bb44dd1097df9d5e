/** Items from several producers to one consumer, in order. Bounded by what its producers may have under way. */
export interface Handoff<Item> {
  push(item: Item): void
  /** The next item; undefined when none came in time. */
  take(timeoutMs: number): Promise<Item | undefined>
}

export function createHandoff<Item>(): Handoff<Item> {
  const waiting: Item[] = []
  let wake: () => void = () => {}
  return {
    push: (item) => {
      waiting.push(item)
      wake()
    },
    take: async (timeoutMs) => {
      if (waiting.length === 0)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      return waiting.shift()
    },
  }
}
