const START = 256
const LEAST = 16
const MOST = 512
/** Ends of attempts that the rate of failures looks back on, and how many tell anything. */
const LOOK_BACK = 20
const ENOUGH = 10
/** A group whose handlers fail more often takes less in hand; one whose handlers fail at most so often may take more. */
const FAILING = 0.5
const HEALTHY = 0.1

/** How many events a group of readers asks its log for at once (EVT-R16): more while it lags, fewer while its handlers fail. */
export interface ReadSize {
  now(): number
  /** After a read; `lags` = it got all that it asked for, so more waits. */
  noteRead(lags: boolean): void
  /** An attempt of a handler ended. */
  noteEnd(failed: boolean): void
}

/** Halved while at least half of the attempts fail, to 16; doubled while the group lags and at most a tenth fails, to 512. */
export function nextReadSize(size: number, { lags, failures }: { lags: boolean; failures: number }): number {
  if (failures >= FAILING) return Math.max(LEAST, Math.floor(size / 2))
  return lags && failures <= HEALTHY ? Math.min(MOST, size * 2) : size
}

export function createReadSize(): ReadSize {
  let size = START
  const ends: boolean[] = []
  const failures = () => (ends.length < ENOUGH ? 0 : ends.filter(Boolean).length / ends.length)
  return {
    now: () => size,
    noteRead: (lags) => {
      size = nextReadSize(size, { lags, failures: failures() })
    },
    noteEnd: (failed) => {
      ends.push(failed)
      if (ends.length > LOOK_BACK) ends.shift()
    },
  }
}
