import type { LogRecord, Position } from '@soma/kernel'

/** An event that was read and is not finished in cursor order. */
export interface Entry {
  readonly record: LogRecord
  finished: boolean
}

/** The events between a partition's cursor and what was read: the cursor moves to the highest place below which all are finished. */
export interface Window {
  add(record: LogRecord): Entry
  finish(entry: Entry): void
  /** Entries that are not behind the cursor yet. */
  size(): number
  /** The place to read after. */
  readFrom(): Position
  reached(): Position
}

export function createWindow(start: Position): Window {
  const entries: Entry[] = []
  let reached = start
  let readFrom = start
  let first = 0
  const advance = () => {
    for (let entry = entries[first]; entry?.finished; entry = entries[first]) {
      reached = placeOf(entry.record)
      first += 1
    }
    // Dropping the front in bulk keeps both this and the array cheap.
    if (first <= 256) return
    entries.splice(0, first)
    first = 0
  }
  return {
    add: (record) => {
      const entry = { record, finished: false }
      entries.push(entry)
      readFrom = placeOf(record)
      return entry
    },
    finish: (entry) => {
      entry.finished = true
      advance()
    },
    size: () => entries.length - first,
    readFrom: () => readFrom,
    reached: () => reached,
  }
}

const placeOf = ({ segment, position }: Position): Position => ({ segment, position })
