/** One session for everybody: work waits in line, and what fails does not stop the line. */
export interface SessionQueue {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when the line is empty. */
  drained(): Promise<void>
}

export function createSessionQueue(): SessionQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run<T>(work: () => Promise<T>): Promise<T> {
      const result = last.then(work)
      last = result.then(
        () => undefined,
        () => undefined,
      )
      return result
    },
    async drained() {
      await last
    },
  }
}
