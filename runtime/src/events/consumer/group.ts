import type { Database, Logger, Metrics, SqlSession } from '@soma/kernel'
import type { HandlerIndex } from './handler-index.ts'
import { loseRun, type PartitionRun } from './partition-run.ts'
import type { ConsumerSettings } from './settings.ts'

/** This process as a member of a group: what it holds, and what the parts of the loop share. */
export interface Group {
  readonly name: string
  /** This member; new at each start. */
  readonly owner: string
  readonly settings: ConsumerSettings
  readonly handlers: HandlerIndex
  /** By `topic:part`. */
  readonly runs: Map<string, PartitionRun>
  isStopped(): boolean
  stop(): void
  asBus<T>(work: (session: SqlSession) => Promise<T>): Promise<T>
  /** Lets work go on by itself; its failure is a warning, because what began it tries again. */
  background(what: string, work: Promise<unknown>): void
  /** Gives up a partition: nothing more is recorded for it. */
  lose(run: PartitionRun): void
}

export interface GroupOptions extends Pick<Group, 'name' | 'owner' | 'settings' | 'handlers'> {
  readonly database: Database
  readonly log: Logger
  readonly metrics: Metrics
}

export function createGroup({ database, log, metrics, ...group }: GroupOptions): Group {
  const runs = new Map<string, PartitionRun>()
  let stopped = false
  return {
    ...group,
    runs,
    isStopped: () => stopped,
    stop: () => {
      stopped = true
    },
    asBus: (work) => database.transaction({ role: 'soma_bus' }, work),
    background: (what, work) => {
      work.catch((error: unknown) => log.warn(what, { group: group.name, error }))
    },
    lose: (run) => {
      if (run.lost) return
      loseRun(run)
      if (runs.get(placeOf(run.held)) === run) runs.delete(placeOf(run.held))
      if (!stopped && !run.draining) metrics.count('soma_events_lease_losses_total', { group: group.name })
    },
  }
}

export const placeOf = ({ topic, part }: { topic: string; part: number }): string => `${topic}:${part}`

/** Events may be read and started. */
export const isOpen = (group: Group, run: PartitionRun): boolean => !run.lost && !run.draining && !group.isStopped()
