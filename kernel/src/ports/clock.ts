/** Time as modules see it, so that tests can move it. Times that decide between processes are the database's. */
export interface Clock {
  now(): Date
  /**
   * Milliseconds since the epoch by a clock that nobody sets: it only rises, and is off by as much as the wall clock was set since the process began. For what must end after a while.
   * Absent: `now`, so that tests move one clock.
   */
  steadyMs?(): number
}
