import type { LogReader, LogRecord, ReadSize } from '@soma/kernel'
import { type Group, isOpen, placeOf } from './group.ts'
import type { PartitionRun } from './partition-run.ts'

/** Events of a partition between its cursor and what was read, at most; more wait in the log. Reads that are small keep few. */
const WINDOW = 512
const WINDOW_OF_READS = 2
const RETRY_MS = 1_000

/** Fills the windows of the held partitions from the log. */
export interface Reading {
  /** Reads on as far as the window has room. */
  read(run: PartitionRun): void
  /** The window has room again. */
  resume(run: PartitionRun): void
  /** Reads what was appended, as long as the group runs. Answers a function that ends it. */
  follow(topic: string): () => void
}

export function createReading(
  group: Group,
  { reader, size }: { reader: LogReader; size: ReadSize },
  accept: (run: PartitionRun, record: LogRecord) => void,
): Reading {
  const windowEvents = () => Math.min(WINDOW, size.now() * WINDOW_OF_READS)
  const fill = async (run: PartitionRun) => {
    run.hasMore = false
    while (isOpen(group, run) && !run.hasMore) {
      const limit = size.now()
      const records = await reader.read(run.held.topic, run.held.part, run.window.readFrom(), limit)
      size.noteRead(records.length >= limit)
      if (records.length === 0) return
      for (const record of records) if (isOpen(group, run)) accept(run, record)
      run.hasMore = run.window.size() >= windowEvents()
    }
  }
  const readOn = async (run: PartitionRun) => {
    run.isReading = true
    try {
      do {
        run.readAgain = false
        await fill(run)
      } while (run.readAgain && isOpen(group, run) && !run.hasMore)
    } catch (error) {
      setTimeout(() => read(run), RETRY_MS).unref()
      throw error
    } finally {
      run.isReading = false
    }
  }
  const read = (run: PartitionRun) => {
    if (run.isReading) run.readAgain = true
    else group.background('the log could not be read; it is tried again in a second', readOn(run))
  }
  return {
    read,
    resume: (run) => {
      if (run.hasMore && run.window.size() < windowEvents() / 2) read(run)
    },
    follow: (topic) =>
      reader.onAppend(topic, (records) => {
        for (const part of new Set(records.map((record) => record.part))) {
          const run = group.runs.get(placeOf({ topic, part }))
          if (run !== undefined && !run.hasMore) read(run)
        }
      }),
  }
}
