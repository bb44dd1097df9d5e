/** One session for everybody: work waits in line, and what fails does not stop the line. */
export interface SessionQueue {
  run<T>(work: () => Promise<T>): Promise<T>
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
  }
}
