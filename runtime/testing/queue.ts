/** Values that a test awaits one by one, in order. */
export interface Queue<T> {
  push(value: T): void
  next(): Promise<T>
  /** The next `count` values. */
  take(count: number): Promise<T[]>
}

export function queue<T>(): Queue<T> {
  const values: T[] = []
  const waiting: ((value: T) => void)[] = []
  const next = (): Promise<T> =>
    values.length > 0 ? Promise.resolve(values.shift() as T) : new Promise((resolve) => waiting.push(resolve))
  return {
    push: (value) => {
      const waiter = waiting.shift()
      if (waiter === undefined) values.push(value)
      else waiter(value)
    },
    next,
    take: async (count) => {
      const taken: T[] = []
      while (taken.length < count) taken.push(await next())
      return taken
    },
  }
}

export interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** Waits for a state of the database, which has no event to await. @throws Error when it does not hold in time; without a time the test's own ends it */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  const endsAt = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`it does not hold after ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
