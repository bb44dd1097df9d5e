import type { LogReader } from '@soma/kernel'

/** What the tracker needs from the world. */
export interface TrackerPorts {
  /** Wakes streams when facts are appended by any process. Absent: only what this process projects wakes them. */
  readonly reader?: LogReader
}
