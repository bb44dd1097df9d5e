/** Time as modules see it, so that tests can move it. Times that decide between processes are the database's. */
export interface Clock {
  now(): Date
}
