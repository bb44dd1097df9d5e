import type { LogReader } from '@soma/kernel'

/** What the tracker needs from the world. */
export interface TrackerPorts {
  /** Wakes streams when facts are appended by any process, and is what rebuilds read. Absent: only what this process projects wakes streams, and rebuilds wait. */
  readonly reader?: LogReader
  /** When the oldest event of a tenant was recorded that the tracker, in whichever process, has not applied yet; undefined: it has all. Absent: no answer is ever late. */
  readonly oldestWaiting?: (tenantId: string) => Promise<Date | undefined>
}
