import type { LogReader } from '@soma/kernel'

/** What the tracker needs from the world. */
export interface TrackerPorts {
  /** Wakes streams when facts are appended by any process, and is what rebuilds read. Absent: only what this process projects wakes streams, and rebuilds wait. */
  readonly reader?: LogReader
}
